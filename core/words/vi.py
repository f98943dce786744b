"""Tiếng Việt.  Wordings marked «attested» are those of the province's own system and stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import Hint, Outcome, Reason
from core.signals import Sign
from core.words.keys import Key, Label, Note

WORDS: Mapping[Key, str] = {
    # The large word and the small line under it.
    Sign.PASS_IN: "MỜI VÀO",
    Note(Sign.PASS_IN): "Hợp lệ",
    Sign.PASS_IN_HELD: "MỜI VÀO",
    Note(Sign.PASS_IN_HELD): "Theo tin đã lưu",
    Sign.PASS_OUT: "MỜI RA",
    Note(Sign.PASS_OUT): "Đã ghi giờ ra",
    Sign.PASS_OUT_HELD: "MỜI RA",
    Note(Sign.PASS_OUT_HELD): "Ra, tin đã lưu",
    Sign.WARN: "KIỂM TRA",
    Note(Sign.WARN): "Mời dừng lại",
    Sign.WARN_HELD: "KIỂM TRA",
    Note(Sign.WARN_HELD): "Xét tin đã lưu",
    Sign.UNVERIFIED: "ĐÃ GHI",
    Note(Sign.UNVERIFIED): "Chưa xác minh",
    Sign.REPEAT: "ĐÃ QUÉT",
    Note(Sign.REPEAT): "Không ghi lại",
    Sign.WRONG_CODE: "SAI MÃ",
    Note(Sign.WRONG_CODE): "Mời đổi mã khác",
    Sign.FAULT: "LỖI TRẠM",
    Note(Sign.FAULT): "Không ghi được",
    Sign.ADMITTED: "CHO QUA",
    Note(Sign.ADMITTED): "Đã ghi lại",
    Sign.TURNED_AWAY: "TỪ CHỐI",
    Note(Sign.TURNED_AWAY): "Đã ghi lại",
    # One word for each outcome, for lists.
    Outcome.PASS: "Hợp lệ",
    Outcome.WARN: "Cần kiểm tra",
    Outcome.UNVERIFIED: "Đã ghi, chưa xác minh",
    Outcome.REPEAT: "Đã quét trước đó",
    Outcome.WRONG_CODE: "Sai mã",
    Outcome.FAULT: "Lỗi trạm",
    # Why.
    Reason.NOT_FOUND: "Không tìm thấy thông tin",  # attested
    Reason.NO_HEALTH: "Chưa khai báo y tế",  # attested
    Reason.HEALTH_EXPIRED: "Tờ khai đã hết hiệu lực",  # attested
    Reason.NO_ENTRY: "Chưa khai báo về Huế",
    Reason.ENTRY_EXPIRED: "Tờ khai về Huế hết hiệu lực",
    Reason.ENTRY_LATE: "Khai báo sau khi về Huế",
    Reason.NO_DESTINATION: "Chưa quét mã điểm đến",
    Reason.DESTINATION_EXPIRED: "Quét điểm đến đã quá lâu",
    Reason.SYMPTOMS: "Tờ khai có triệu chứng",
    Reason.EXPOSURES: "Có tiếp xúc nguy cơ",
    Reason.ZONE: "Đến từ khu vực có dịch",
    Reason.ORIGIN_UNCLEAR: "Chưa rõ nơi đi (thôn, tổ)",
    Reason.PLACE: "Đã đến nơi có ổ dịch",
    Reason.ALREADY_INSIDE: "Đã vào, chưa quét ra",
    Reason.NOT_INSIDE: "Ra mà chưa quét vào",
    Reason.REENTRY_TOO_SOON: "Vào lại sớm hơn quy định",
    Reason.ALREADY_SCANNED: "Đã quét rồi",
    Reason.SIGNATURE_REFUSED: "Chữ ký trên mã không hợp lệ",
    Reason.SIGNER_UNKNOWN: "Không rõ nơi cấp mã",
    Reason.CODE_EXPIRED: "Mã đã hết hạn",
    Reason.CODE_NOT_YET_VALID: "Mã chưa có hiệu lực",
    Reason.PLACEHOLDER_NUMBER: "Không có số giấy tờ",
    Reason.MASKED_NUMBER: "Mã đã che số giấy tờ",
    Reason.HUB_UNREACHABLE: "Lỗi kết nối máy chủ",  # attested
    Reason.HELD_ANSWER: "Dùng thông tin đã lưu",
    Reason.NO_POLICY: "Thiếu quy định từ máy chủ",
    Reason.DATE_IN_FUTURE: "Ngày khai ở tương lai",
    Reason.CLOCK_UNSURE: "Giờ máy chưa chắc đúng",
    Reason.IS_PAYMENT: "Đây là mã thanh toán",
    Reason.IS_LINK: "Đây là địa chỉ trang web",
    Reason.IS_WIFI: "Đây là mã Wi-Fi",
    Reason.IS_CONTACT: "Đây là thẻ danh bạ",
    Reason.IS_PLACE: "Đây là mã của địa điểm",
    Reason.IS_UNREADABLE: "Không đọc được mã này",
    Reason.JOURNAL_FULL: "Bộ nhớ máy đầy",
    Reason.JOURNAL_READ_ONLY: "Không ghi được vào thẻ nhớ",
    Reason.JOURNAL_BROKEN: "Sổ ghi bị hỏng",
    Reason.CANNOT_READ: "Máy quét không hoạt động",
    # Remarks that refuse nobody.
    Hint.BIRTH_DIFFERS: "Năm sinh không khớp số",
    Hint.SEX_DIFFERS: "Giới tính không khớp số",
    Hint.DECLARED_FOR_ANOTHER: "Người khác khai hộ",
    Hint.DAMAGED_TEXT: "Chữ trong mã bị lỗi",
    Hint.EXTRA_FIELDS: "Mã thừa mục thông tin",
    # The rest of the display.
    Label.INVITATION: "Xin mời quét mã QR tại đây",  # attested
    Label.STARTING: "KHỞI ĐỘNG",
    Label.STARTING_NOTE: "Xin chờ",
    Label.TWIN: "TRÙNG TÊN",
    Label.TWIN_NOTE: "Hai máy một tên",
    Label.INSIDE: "Bên trong: {inside}/{capacity}",
    Label.CAMERA_LOST: "Máy ảnh không hoạt động",
    Label.SCANNER_LOST: "Đầu đọc không hoạt động",
    Label.TRIAL: "THỬ TÍN HIỆU {number}/{count}",
    Label.AIMING: "CHỈNH MÁY",
    Label.AIMING_NOTE: "Có thể chụp ảnh",
    Label.ALARM: "LỖI",
    Label.FAULT_CURE: "Ghi sổ giấy, gọi kỹ thuật",
    Label.FIRST: "Lúc {time}",
    Label.NOTHING: "không có",
    Label.UNKNOWN: "chưa rõ",
    Label.AGE_FRESH: "<1 giờ",
    Label.AGE_HOURS: "{count} giờ",
    Label.AGE_DAYS: "{count} ngày",
    Label.DESTINATION: "Đ",  # điểm đến
    Label.HEALTH: "Y",  # y tế toàn dân
    Label.ENTRY: "H",  # về Huế
    Label.WEEKDAYS: "T2 T3 T4 T5 T6 T7 CN",
}
