// KeyboardEvent.code → the kernel's key code (linux/input-event-codes.h): where a key lies, not what it means.

const ROWS = [
  [1, "Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab"],
  [16, "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft"],
  [30, "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash"],
  [44, "KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock"],
  [71, "Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal"],
  [86, "IntlBackslash"],
  [96, "NumpadEnter ControlRight NumpadDivide"],
  [100, "AltRight"],
  [117, "NumpadEqual"],
  [121, "NumpadComma"],
];

export const CODES = Object.fromEntries(ROWS.flatMap(([first, names]) => names.split(" ").map((name, at) => [name, first + at])));
