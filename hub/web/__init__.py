"""The hub's pages: plain HTML forms that work without JavaScript, Vietnamese first, English second.

To add a page:

1. A template in ``templates/<part>/<page>.html`` that begins ``{% extends "layout.html" %}``, imports the macros with
   ``{% import "forms.html" as f with context %}`` and fills ``{% block title %}`` and ``{% block main %}``.  Every
   word comes from ``t("key")``; fields come from ``f.text``, ``f.choice``, ``f.ticks`` …, which read ``values`` (a
   mapping of field to text) and ``faults`` (field to catalogue key) and put each fault beside its field.
2. Words in ``words/vi/<part>.py`` and ``words/en/<part>.py``: the same keys, the same ``{placeholders}`` (a test holds
   them together).  A part's module is named once in ``words/__init__.py``.
3. Handlers in ``<part>.py``, each a plain ``def`` with ``sync_to_thread=True`` (they read and write the database)::

       def router(site: Site) -> Router:
           @get("/check", sync_to_thread=True)
           def form(request: Visit) -> Page:
               return render(request, "officers/check.html")

           @post("/check", sync_to_thread=True)
           def sent(request: Visit, form: Form) -> Page | Redirect:
               if faults := …:
                   return render(request, "officers/check.html", values=form, faults=faults, status=422)
               return see_other(request, "/check", told="saved")

           return pages([form, sent])

   ``form`` is what the browser sent, trimmed and in NFC.  After a change answer ``see_other`` (a redirect), never a
   page; ``told`` is a catalogue key whose words the next page shows once.  Ids in an address are random and
   short-lived; names and numbers are never in one.
4. The router's builder in ``parts.ROUTERS``, and for officials its line in ``officials.GROUPS``.
5. A step in ``tests/web/tour.py``: a test holds every address of the routers to axe, light and dark, phone and desk.

What every page has without asking: the language of its visitor, CSRF (``{{ f.begin("/address") }}`` … ``</form>`` puts
the token in), security headers with a CSP that runs no inline script and no inline style, ``no-store``, and a limit on
requests by address.  Styles are classes of ``static/house.css``; a script is a file in ``static/``, named in
``{% block scripts %}``, and the page must do its work without it.
"""
