//! Words for people, English and Vietnamese, in one table. JSON and logs stay English; causes and
//! remedies of codes stand in the table of codes.

use tram_api::Language;

macro_rules! words {
    ($( $name:ident: $english:literal, $vietnamese:literal; )+) => {
        /// A word or sentence of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word { $( $name, )+ }

        impl Word {
            #[cfg(test)]
            const ALL: &[Word] = &[ $( Word::$name, )+ ];

            /// It in a language, as it stands in the table.
            pub(crate) const fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $( (Word::$name, Language::English) => $english,
                       (Word::$name, Language::Vietnamese) => $vietnamese, )+
                }
            }
        }
    };
}

impl Word {
    /// The sentence with its particulars in the places marked `{}`, in their order. Particulars
    /// are escaped, and never searched for places themselves.
    pub(crate) fn filled(self, language: Language, values: &[&str]) -> String {
        let mut out = String::new();
        let mut parts = self.text(language).split("{}");
        out.push_str(parts.next().unwrap_or_default());
        let mut values = values.iter();
        for part in parts {
            out.push_str(&tram_dispatch::text::escaped(values.next().copied().unwrap_or_default()));
            out.push_str(part);
        }
        out
    }
}

words! {
    // Failures.
    Cause: "cause", "nguyên nhân";
    Detail: "detail", "chi tiết";
    Remedy: "remedy", "cách xử lý";
    RetryAfter: "try again after", "thử lại sau";
    FirstCommands: "no configuration: --config not given, no ./tram.toml, no /etc/tram/tram.toml.\nTo look at the product first:\n  tram demo\nTo make a node of your own (docs/operations.md has every step):\n  tram init --code H41.12.03 --root root.cbor --parent HOST:PORT --dir /srv/tram\n  tram pki install --certificate tls.crt --config /srv/tram/tram.toml\n  tram directory install directory.cbor --offline --config /srv/tram/tram.toml\n  tram config check --config /srv/tram/tram.toml\n  tram run --config /srv/tram/tram.toml",
        "chưa có cấu hình: không có --config, không có ./tram.toml, không có /etc/tram/tram.toml.\nĐể xem thử sản phẩm:\n  tram demo\nĐể lập một nút (xem docs/operations.md):\n  tram init --code H41.12.03 --root root.cbor --parent HOST:PORT --dir /srv/tram\n  tram pki install --certificate tls.crt --config /srv/tram/tram.toml\n  tram directory install directory.cbor --offline --config /srv/tram/tram.toml\n  tram config check --config /srv/tram/tram.toml\n  tram run --config /srv/tram/tram.toml";
    Nothing: "nothing", "không có gì";

    // Columns and names of values.
    Act: "act", "nghiệp vụ";
    ActAnswered: "answered", "đã có trả lời";
    ActRecall: "recall", "thu hồi";
    ActRecalled: "recalled", "bị yêu cầu thu hồi";
    ActReplace: "replacement", "thay thế";
    ActReplaced: "replaced", "đã bị thay thế";
    ActUpdate: "update", "cập nhật";
    ActUpdated: "updated", "đã có cập nhật";
    OverdueItem: "overdue", "quá hạn";
    RegisterBy: "register by", "hạn vào sổ";
    RevocationUnchecked: "revocation not checked", "chưa xét việc thu hồi chứng thư";
    Accounts: "accounts", "tài khoản";
    AgencyHosted: "{} has its accounts in {}; they count once the node is started again. Added:", "{} đã có tài khoản trong {}; có hiệu lực sau khi khởi động lại nút. Đã thêm:";
    AgencyWouldBeHosted: "{} would have its accounts in {}. Nothing was changed; to be added:", "{} sẽ có tài khoản trong {}. Chưa thay đổi gì; sẽ thêm:";
    By: "by", "do";
    Itself: "the originator itself", "chính nơi gửi";
    Expanded: "{}: {} recipients.", "{}: {} nơi nhận.";
    Forwarded: "forwarded", "đã chuyển";
    Group: "group", "nhóm";
    GroupMeans: "{}: {} recipients by version {} of the directory.", "{}: {} nơi nhận theo phiên bản {} của danh bạ.";
    Handled: "handled", "đã xử lý xong";
    Kept: "kept", "đang lưu";
    LeftOut: "Not addressed: {}", "Không gửi: {}";
    Members: "members", "thành viên";
    NoNode: "no node", "chưa có nút";
    NotListed: "not listed", "không có trong danh mục";
    ReadByUnit: "read", "đã xem";
    Unit: "unit", "đơn vị";
    Units: "units", "đơn vị";
    UnitFetched: "{}: {} documents.", "{}: {} văn bản.";
    UnitsRecorded: "On record of {}:", "Đã ghi lại về {}:";
    UnitsRecordedBefore: "On record of {} before, nothing added:", "Về {} đã ghi từ trước, không thêm gì:";
    SameNumber: "Warning: {} has the number of {}.", "Lưu ý: {} trùng số, ký hiệu với {}.";
    TypeRemark: "{} says {}, begins like {}", "số {} khai là {}, mở đầu như {}";
    TypeRemarks: "Warning: documents of {} do not begin like what they say they are: {}.",
        "Lưu ý: văn bản trong {} mở đầu không đúng kiểu đã khai: {}.";
    TypesUnlike: "Warning: {} of the documents of {} do not begin like what they say they are.",
        "Lưu ý: {} văn bản trong {} mở đầu không đúng kiểu đã khai.";
    KindEmpty: "an empty file", "tệp rỗng";
    KindArchive: "RAR, 7z or gzip", "RAR, 7z hoặc gzip";
    KindCompound: "DOC or XLS (a compound file)", "DOC hoặc XLS (tệp phức hợp)";
    KindMarkup: "XML or HTML", "XML hoặc HTML";
    KindProgram: "a program", "chương trình chạy được";
    KindScript: "a script", "tập lệnh";
    KindOther: "nothing known here", "loại không rõ";
    Withdrawn: "withdrawn", "đã hủy theo thu hồi";
    AcceptedAt: "accepted", "tiếp nhận lúc";
    Admissions: "admissions", "số tiếp nhận";
    Address: "address", "địa chỉ";
    Addresses: "addresses", "địa chỉ";
    Agencies: "agencies", "cơ quan";
    Agency: "agency", "cơ quan";
    Alarm: "alarm", "cảnh báo";
    Batches: "batches", "lô ghi";
    Certificate: "certificate", "chứng thư";
    ChangedAt: "changed", "thay đổi lúc";
    Checkpoint: "checkpoint", "điểm kiểm";
    ConsignedAt: "consigned", "đến lúc";
    Digest: "digest", "mã băm";
    Directory: "directory", "danh bạ";
    Dispatch: "dispatch", "gói văn bản";
    Dispatches: "dispatches", "gói văn bản";
    Document: "document", "văn bản";
    Documents: "documents", "văn bản";
    CameFor: "came for", "gửi đến mã";
    Due: "due", "hạn trả lời";
    Epoch: "epoch", "đời nhật ký";
    Event: "event", "sự kiện";
    ExpiresAt: "expires", "hết hạn lúc";
    From: "from", "nơi gửi";
    Leaf: "leaf", "lá";
    Leaves: "leaves", "lá nhật ký";
    Legs: "legs", "nhánh";
    Limits: "limits", "giới hạn";
    Log: "receipt log", "nhật ký biên nhận";
    LogProof: "proof against a log", "bằng chứng về nhật ký";
    KeptFor: "kept for", "thời gian lưu";
    MoreWithLimit: "There are more; --limit shows them.", "Còn nữa; dùng --limit để xem thêm.";
    DaysKept: "{} days", "{} ngày";
    ForEver: "for ever", "vĩnh viễn";
    Rule: "rule", "quy tắc";
    Goes: "removed on", "ngày hủy";
    ClosedAt: "closed", "kết thúc lúc";
    RemovedToday: "removed today", "đã hủy hôm nay";
    PerDayMax: "at most in a day", "tối đa trong ngày";
    Conditions: "for", "áp dụng cho";
    NoRetentionPolicy: "no policy of retention is configured: files of documents go as soon as nothing is left to do for a dispatch, and small documents stay in the journal",
        "chưa cấu hình chính sách lưu trữ: tệp văn bản được xóa ngay khi gói đã xử lý xong, văn bản nhỏ vẫn nằm trong nhật ký ghi trước";
    LimitReached: "more is due today than the policy lets go in a day", "số đến hạn hôm nay vượt mức tối đa trong ngày";
    Folder: "folder", "thư mục";
    NewEntries: "new entries", "mục mới";
    LogSize: "log size", "cỡ nhật ký";
    MediaType: "type", "kiểu";
    Missing: "missing", "còn thiếu";
    Name: "name", "tên";
    Network: "network", "mạng";
    NextTry: "next try", "lần thử tới";
    Node: "node", "nút";
    NodeCertificate: "node certificate", "chứng thư của nút";
    Number: "number", "số, ký hiệu";
    OldestAt: "oldest", "cũ nhất";
    OpenLegs: "open", "đang chuyển";
    Outcome: "outcome", "kết quả";
    Parent: "above", "cấp trên";
    Peers: "peers", "nút láng giềng";
    Policy: "policy", "chính sách";
    ProgramVersion: "program", "chương trình";
    Queue: "queue", "hàng đợi";
    Queued: "queued", "đang chờ";
    QuorumAt: "enough at size", "đủ đồng ký ở cỡ";
    Reason: "reason", "lý do";
    Receipt: "receipt", "biên nhận";
    Reference: "reference", "số tham chiếu";
    Relation: "lies", "vị trí";
    Result: "result", "kết quả";
    RevocationList: "revocation list", "danh sách thu hồi";
    RevocationLists: "revocation lists", "danh sách thu hồi";
    Root: "root", "gốc cây";
    RootDocument: "root document", "tài liệu gốc";
    SaidBy: "said by", "nút xác nhận";
    Seal: "seal", "con dấu số";
    SealOf: "seal of {}", "con dấu số của {}";
    Session: "session", "phiên";
    Since: "since", "từ lúc";
    Size: "size", "dung lượng";
    State: "state", "trạng thái";
    Status: "status", "trạng thái xử lý";
    StatusArrived: "arrived", "đã đến";
    StatusRefused: "refused", "từ chối tiếp nhận";
    StatusAccepted: "accepted", "đã tiếp nhận";
    StatusAssigned: "assigned", "phân công xử lý";
    StatusProcessing: "processing", "đang xử lý";
    StatusCompleted: "completed", "hoàn thành";
    StatusTakeBack: "take-back requested", "yêu cầu thu hồi";
    StatusAgreed: "agreed", "đồng ý";
    StatusDeclined: "declined", "không đồng ý";
    Step: "step", "bước";
    Storage: "storage", "lưu trữ";
    Subject: "subject", "trích yếu";
    Tier: "tier", "cấp";
    Time: "time", "thời điểm";
    To: "to", "nơi nhận";
    Tries: "tries", "số lần thử";
    Undelivered: "undelivered", "không đến";
    Urgency: "urgency", "độ khẩn";
    ValidUntil: "valid until", "hiệu lực đến";
    Version: "version", "phiên bản";
    Via: "via", "qua";
    What: "what", "mục";
    Witness: "witness", "bên chứng kiến";
    DropFolder: "drop folder", "thư mục trao đổi";
    Webhook: "webhook", "webhook";
    DropCounts: "{} to send, {} to hand over, {} statuses; {} sent and {} refused since the start", "{} chờ gửi, {} chờ giao, {} trạng thái; từ khi khởi động đã gửi {} và từ chối {}";
    HookCounts: "{} events since the start", "{} sự kiện từ khi khởi động";
    UnstampedSince: "not time-stamped since", "chưa có dấu thời gian từ";
    NoLaterThan: "no later than", "chậm nhất lúc";
    TimeStampBy: "time-stamp of", "dấu thời gian của";
    StampNumber: "number", "số hiệu";
    StampServer: "time-stamp server", "máy chủ dấu thời gian";
    LastTry: "last try", "lần thử gần nhất";

    EdxmlIssued: "issued", "ngày ban hành";
    EdxmlKind: "type of document", "loại văn bản";
    EdxmlOdd: "odd", "điểm bất thường";
    EdxmlSignature: "XML signature", "chữ ký XML";

    // States.
    Above: "above", "cấp trên";
    Active: "active", "đang gửi";
    Below: "below", "cấp dưới";
    Beside: "beside", "ngang cấp";
    ByPosition: "by position", "theo vị trí";
    ClaimOnly: "claim only", "chưa đủ thẩm quyền";
    Closed: "closed", "đã đóng";
    Configured: "configured", "theo cấu hình";
    Consigned: "consigned", "đã đến";
    Deferred: "deferred", "chờ thử lại";
    Degraded: "working, with an alarm", "hoạt động, có cảnh báo";
    Down: "down", "mất";
    Ended: "ended", "kết thúc";
    Expired: "expired", "quá hạn";
    Failed: "failed", "không chuyển được";
    Fetched: "fetched", "đã lấy, chưa xác nhận";
    Flash: "flash", "hỏa tốc";
    FlashAt: "flash, by the hour", "hỏa tốc hẹn giờ";
    Good: "good", "tốt";
    Halted: "signing nothing", "ngừng ký";
    Unanchored: "unanchored: no new receipts are signed", "chưa có neo: không ký biên nhận mới";
    Anchor: "anchor", "tệp neo";
    AnchoredBy: "confirmed by", "được xác nhận bởi";
    LogAnchored: "the log goes on; receipts are signed", "nhật ký ghi tiếp; biên nhận được ký";
    SigningReceipts: "receipts are signed", "đang ký biên nhận";
    EpochBegun: "epoch {} begins after {} leaves of the one before; {} dispatches are carried over\nThe old log and its keys are in {}.\nStart the node: its parent cosigns the new epoch, which then counts provisionally.\nGive the request to the directory's signer, who lists it: {}", "đời nhật ký {} bắt đầu sau {} mục của đời trước; {} gói được giữ lại\nNhật ký cũ và khóa nằm trong {}.\nKhởi động nút: nút cấp trên đồng ký đời mới, khi đó có hiệu lực tạm thời.\nGửi yêu cầu cho người ký danh bạ: {}";
    EpochFinished: "the switch to epoch {} is finished; start the node", "đã chuyển xong sang đời nhật ký {}; khởi động nút";
    AnchorAgrees: "agrees with the store", "khớp với kho";
    HandedOver: "handed over", "đã bàn giao";
    Incoming: "incoming", "vừa nhận";
    Normal: "normal", "thường";
    OnHold: "on hold", "đang giữ";
    Overdue: "a newer one is due", "đã đến hạn có danh sách mới";
    Open: "open", "hoạt động";
    Problem: "problem", "lỗi";
    Quarantined: "quarantined", "cách ly";
    Ready: "ready", "sẵn sàng";
    Refused: "refused", "bị trả lại";
    Registered: "registered", "đã vào sổ";
    RenewNow: "renew now", "cần gia hạn ngay";
    Returned: "returned", "đã trả về";
    Starting: "starting", "đang khởi động";
    Stopping: "stopping", "đang dừng";
    Transferred: "transferred", "đã chuyển tiếp";
    Up: "up", "thông";
    Urgent: "urgent", "khẩn";
    NeverSeen: "never seen", "chưa từng thấy";
    PendingNumber: "pending", "đang chờ";
    Suppressed: "suppressed after acceptance", "bị che giấu sau khi tiếp nhận";
    VoidNumber: "void", "bỏ trống";
    VeryUrgent: "very urgent", "thượng khẩn";
    ArrivedCount: "arrived", "đã đến";
    ArrivedPercent: "arrived %", "đã đến %";
    CameCount: "came in", "số đến";
    FailedCount: "failed", "không chuyển được";
    HolidaysUnknown: "Public holidays of some of these days are not known to the node; weekends alone were taken for days off ([audit] working_days).", "Nút chưa có lịch nghỉ lễ cho một số ngày trong khoảng này; chỉ tính thứ Bảy, Chủ nhật là ngày nghỉ ([audit] working_days).";
    InTimeCount: "in time", "đúng hạn";
    InTimePercent: "in time %", "đúng hạn %";
    KeyUsedFor: "used for", "dùng để";
    KeyStatement: "statement", "lời xác nhận";
    KeyTransfer: "transfer", "chuyển giao";
    KeyPeer: "peer", "nút láng giềng";
    FirstCustody: "first custody", "nút đầu nhận lúc";
    BeforeOrAfter: "before or after", "trước hay sau";
    EarlierThan: "before", "trước";
    LaterThan: "after", "sau";
    MedianTime: "median", "trung vị";
    NinetiethTime: "90 %", "90 %";
    Party: "as", "vai trò";
    Remark: "remark", "ghi chú";
    RejectedCount: "refused at submission", "từ chối gửi";
    ReturnedCount: "refused by the clerk", "nơi nhận trả lại";
    SentCount: "sent", "đã gửi";
    Waiting: "waiting", "chờ lấy";
    Warning: "warning", "lưu ý";

    // What was done.
    Accepted: "Accepted: {} is in custody as dispatch {} since {}.",
        "Đã tiếp nhận: {}, gói văn bản {}, lúc {}.";
    AcceptedBefore: "Accepted before: {} is in custody as dispatch {} since {}; nothing was done twice.",
        "Đã tiếp nhận từ trước: {}, gói văn bản {}, lúc {}; không gửi lại lần hai.";
    MoreSeries: "There are more series: name one with --series.", "Còn dãy số khác: chỉ định bằng --series.";
    NumbersNotRead: "Not read from number {} on; --limit allows more.", "Chưa đọc từ số {}; --limit cho phép nhiều hơn.";
    NumbersPresent: "{}: {} present, newest {}.", "{}: có {}, số mới nhất {}.";
    NumbersRepeated: "Used more than once: {}.", "Dùng hơn một lần: {}.";
    Series: "series", "dãy số";
    SeriesNamed: "series {}", "dãy số {}";
    SuppressedBetween: "admission {} is under the checkpoint of size {}, admission {} under that of size {}", "số tiếp nhận {} nằm dưới điểm kiểm cỡ {}, số {} dưới điểm kiểm cỡ {}";
    Voided: "Number {} of series {} is void.", "Số {} của dãy {} đã bỏ trống.";
    Exported: "{} receipts in {}.", "{} biên nhận trong {}.";
    FetchedConfirmed: "Fetched to {} with {} documents, and confirmed.",
        "Đã lấy về {} cùng {} văn bản, và đã xác nhận.";
    FetchedOnly: "Fetched to {} with {} documents; confirm with token {}",
        "Đã lấy về {} cùng {} văn bản; xác nhận bằng mã {}";
    LegChanged: "{} to {}: now {}.", "{} đến {}: nay {}.";
    UnderTheSeal: "It stands under the agency's own seal.", "Có con dấu số của cơ quan.";
    Recorded: "{} recorded for dispatch {} at {}.", "Đã ghi “{}” cho gói {} lúc {}.";
    RecordedBefore: "{} was recorded before for dispatch {}, at {}.",
        "“{}” đã được ghi từ trước cho gói {}, lúc {}.";
    Sealed: "Sealed: {}\ndispatch {}, expires {}", "Đã ký số: {}\ngói văn bản {}, hết hạn {}";
    StorageUse: "{} used, {} free", "đã dùng {}, còn trống {}";
    LimitsUse: "{} of {} dispatches, {} of {} memory, {} of {} stored", "{} / {} gói, bộ nhớ {} / {}, lưu trữ {} / {}";
    TurnedAway: "turned away {}", "đã hẹn lại {}";
    StoreDamaged: "The store is damaged; docs/operations.md, Damaged store, says what to do.",
        "Kho lưu trữ bị hỏng; xem docs/operations.md, mục Damaged store.";
    StoreWhole: "The store is whole.", "Kho lưu trữ nguyên vẹn.";
    Until: "until {}", "đến {}";
    NamedUntil: "{}, until {}", "{}, đến {}";
    VersionUntil: "version {}, until {}", "phiên bản {}, đến {}";
    EpochIs: "epoch {}", "đời nhật ký {}";
    StillWaiting: "Waiting: {} of {} legs are not there yet.", "Đang chờ: {} trên {} nhánh chưa xong.";
    WaitsForOperator: "On hold or in quarantine, until the operator releases it: {}.",
        "Đang bị giữ hoặc cách ly, đến khi người vận hành giải phóng: {}.";
    WaitedInVain: "Not there yet after {} seconds.", "Chưa xong sau {} giây.";
    AuthorityMade: "Authority {} in {}, valid until {}.", "Đã lập cơ quan chứng thực {} tại {}, hiệu lực đến {}.";
    CertificateInstalled: "Certificate of {} installed as {}, valid until {}.",
        "Đã cài chứng thư của {} vào {}, hiệu lực đến {}.";
    CertificateIssued: "Certificate for {} in {}, valid until {}.",
        "Đã cấp chứng thư cho {} tại {}, hiệu lực đến {}.";
    ListMade: "{}: revocation list {} with {} entries, next due {}.",
        "{}: danh sách thu hồi số {} gồm {} mục, kỳ tới {}.";
    RequestMade: "Request in {}; the private key {} stays here.",
        "Yêu cầu tại {}; khóa riêng {} giữ tại đây.";
    NetworkMade: "Network {}, id {}\nroot document {}\nkeys that sign the directory: {}",
        "Mạng {}, mã {}\ntài liệu gốc {}\nkhóa ký danh bạ: {}";
    NodeMade: "Node {} of network {} ({}) in {}.\nNext:\n  1. send {} to your certificate authority and to who signs the directory\n  2. tram pki install --certificate FILE --config {}",
        "Nút {} thuộc mạng {} ({}) tại {}.\nTiếp theo:\n  1. gửi {} cho cơ quan cấp chứng thư và đơn vị ký danh bạ\n  2. tram pki install --certificate FILE --config {}";
    WorkingChanged: "{} written to {}; it takes effect once signed.",
        "Đã ghi {} vào {}; có hiệu lực sau khi ký.";
    Merged: "{}: {} opened, {} closed, {} moved, {} renamed; it takes effect once signed.",
        "{}: mở {}, đóng {}, chuyển {}, đổi tên {}; có hiệu lực sau khi ký.";
    WouldMerge: "{} would change: {} opened, {} closed, {} moved, {} renamed. Nothing was written.",
        "{} sẽ thay đổi: mở {}, đóng {}, chuyển {}, đổi tên {}. Chưa ghi gì.";
    StepOpen: "open    {}  {}", "mở      {}  {}";
    StepClose: "close   {}  {} → {}", "đóng    {}  {} → {}";
    StepMove: "move    {}  {}: under {}, at {}", "chuyển  {}  {}: thuộc {}, tại {}";
    StepRename: "rename  {}  {} → {}", "đổi tên {}  {} → {}";
    DirectorySigned: "{}: version {}, digest {}, until {}; signatures {} of at least {}",
        "{}: phiên bản {}, mã băm {}, đến {}; chữ ký {} trên tối thiểu {}";
    DirectoryCompared: "From version {} to {}: {} added, {} changed, {} removed; difference {} bytes, whole {} bytes.",
        "Từ phiên bản {} đến {}: thêm {}, đổi {}, bỏ {}; phần khác {} byte, toàn bộ {} byte.";
    EntryAdded: "added    {}  {}", "thêm  {}  {}";
    EntryChanged: "changed  {}  {}", "đổi   {}  {}";
    EntryRemoved: "removed  {}  {}", "bỏ    {}  {}";
    MoreSignatures: "\nNot complete: the others sign with tram directory sign --add-to.",
        "\nChưa đủ: những người khác ký bằng tram directory sign --add-to.";
    DirectoryHolds: "The directory verifies: version {}, digest {}, {} entries, until {}.",
        "Danh bạ đã kiểm chứng: phiên bản {}, mã băm {}, {} mục, đến {}.";
    DirectoryInstalled: "Directory version {} installed, digest {}, until {}.",
        "Đã cài danh bạ phiên bản {}, mã băm {}, đến {}.";
    DirectorySame: "Directory version {} was installed already, digest {}, until {}.",
        "Danh bạ phiên bản {} đã cài từ trước, mã băm {}, đến {}.";

    // edXML.
    EdxmlNothingToDo: "Status {}: nothing to do, the recipient's node said so itself.", "Trạng thái {}: không cần làm gì, nút của nơi nhận đã tự báo.";
    EdxmlSigned: "there ({}), NOT VERIFIED: it proves nothing here", "có ({}), CHƯA KIỂM CHỨNG: không chứng minh được gì ở đây";
    EdxmlStatuses: "{} status files in {}.", "{} tệp trạng thái trong {}.";
    EdxmlUnfolded: "out of a hidden ZIP", "lấy ra từ tệp ZIP ẩn";

    // Verification.
    Verified: "VERIFIED", "ĐÃ KIỂM CHỨNG";
    NotVerified: "NOT VERIFIED", "KHÔNG ĐẠT";
    Undetermined: "UNDETERMINED", "CHƯA XÁC ĐỊNH";
    Holds: "holds", "đúng";
    Fails: "FAILS", "SAI";
    NotChecked: "not checked", "chưa xét";
    NotGiven: "not given", "không kèm";
    VerifySummary: "{} of {} verified, {} not verified, {} undetermined.",
        "{} trên {} đã kiểm chứng, {} không đạt, {} chưa xác định.";
    ClaimFormat: "the bytes are canonical", "dữ liệu đúng dạng chuẩn tắc";
    ClaimInclusion: "the record is in the tree whose root is signed", "bản ghi nằm trong cây có gốc được ký";
    ClaimNetwork: "it is of this network", "thuộc đúng mạng này";
    ClaimNode: "the directory lists the node", "danh bạ có nút này";
    ClaimEpoch: "the directory lists this epoch of its log", "danh bạ có đời nhật ký này";
    ClaimKey: "the key is the one listed", "đúng khóa trong danh bạ";
    ClaimTimes: "the times fit the epoch", "thời điểm khớp đời nhật ký";
    ClaimSignature: "the signature holds", "chữ ký đúng";
    ClaimAuthority: "the node may say this", "nút có thẩm quyền xác nhận";
    ClaimUpstream: "the receipt it rests on", "biên nhận trước đó";
    ClaimCertificate: "the certificate leads to a trust anchor", "chứng thư dẫn tới gốc tin cậy";
    ClaimOriginator: "the signer is the originator", "người ký là nơi gửi";
    ClaimMoment: "the moment of first custody", "thời điểm tiếp nhận đầu tiên";
    JudgedNow: "no receipt of submission; judged now", "không có biên nhận gửi; xét theo lúc này";
    NotRevoked: "{}, not revoked as of {}", "{}, chưa bị thu hồi tính đến {}";
    RevocationNotChecked: "{}, revocation not checked", "{}, chưa xét việc thu hồi";
    // Evidence files.
    FileOf: "Evidence of dispatch {} ({})", "Bằng chứng về gói văn bản {} ({})";
    FileDirectory: "directory version {} of {}, expires {}", "danh bạ bản {} ngày {}, hết hạn {}";
    FileProved: "All that was asked is proved: {} claims.", "Mọi điều được hỏi đều được chứng minh: {} điều.";
    FileOpen: "Undetermined: {} of the claims asked for are not proved.", "Chưa xác định: {} điều được hỏi chưa được chứng minh.";
    FileFalse: "FALSE: {} parts of the file do not hold.", "SAI: {} phần trong tệp không đúng.";
    FileWritten: "Evidence of dispatch {} in {}: {} bytes.", "Bằng chứng về gói văn bản {} trong {}: {} byte.";
    Proved: "PROVED", "ĐÃ CHỨNG MINH";
    NotProved: "NOT PROVED", "CHƯA CHỨNG MINH";
    NotAsked: "not proved", "chưa chứng minh";
    False: "FALSE", "SAI";
    EvSealed: "the originator sealed these bytes", "nơi gửi đã ký số chính dữ liệu này";
    EvUnrevoked: "the certificate was not revoked then", "chứng thư chưa bị thu hồi lúc đó";
    EvHeld: "a node had custody", "một nút đã nhận trách nhiệm lưu giữ";
    EvCustody: "custody has no gap", "chuỗi lưu giữ không đứt đoạn";
    EvArrived: "the recipient's node holds it", "nút của nơi nhận đã lưu";
    EvTaken: "the recipient's system took it", "hệ thống nơi nhận đã lấy";
    EvDecided: "the clerk decided", "văn thư đã xử lý";
    EvHandled: "the recipient reported or answered", "nơi nhận báo trạng thái hoặc trả lời";
    EvEnded: "it was refused or given up", "bị từ chối hoặc không chuyển được";
    EvWhen: "when, by others", "thời điểm, theo các bên khác";
    EvWitnessed: "witnesses cosigned the log", "bên chứng kiến đã đồng ký nhật ký";
    EvDocument: "the document is the one sealed", "đúng là văn bản đã ký";
    EvStamped: "time-stamp of a third party", "dấu thời gian của bên thứ ba";
    EvPolicy: "the witness policy is yours", "chính sách chứng kiến là của người kiểm tra";
    EvUnauthorised: "unauthorised claim", "lời khai không có thẩm quyền";
    BySeal: "{}, certificate \"{}\", judged at {}", "{}, chứng thư \"{}\", xét tại thời điểm {}";
    BySealOfNode: "{}, certificate \"{}\", judged at {}; sealed by node {} on its behalf", "{}, chứng thư \"{}\", xét tại thời điểm {}; nút {} ký thay";
    ByLists: "by the revocation lists of {}", "theo danh sách thu hồi ngày {}";
    ByStaleLists: "by the revocation lists of {}; newer ones were due", "theo danh sách thu hồi ngày {}; đã đến hạn có danh sách mới";
    ByLeaf: "{} by {} at {}, committed {}, leaf {} of epoch {}", "{}, nút {} ghi lúc {}, ghi bền vững {}, lá {} của đời nhật ký {}";
    ByNodes: "{}", "{}";
    RegisteredByAgency: "registered {}, signed by the agency: \"{}\"", "vào sổ {}, có chữ ký của cơ quan: \"{}\"";
    RegisteredByNode: "registered {}, claimed by its node {}", "vào sổ {}, theo lời nút {}";
    RefusedByAgency: "refused {}, signed by the agency: \"{}\"", "trả lại {}, có chữ ký của cơ quan: \"{}\"";
    RefusedByNode: "refused {}, claimed by its node {}", "trả lại {}, theo lời nút {}";
    HandledByAgency: "{}, {}, signed by the agency: \"{}\"", "{}, {}, có chữ ký của cơ quan: \"{}\"";
    HandledByNode: "{}, {}, claimed by its node {}", "{}, {}, theo lời nút {}";
    OnBehalf: "; sealed by node {} on its behalf", "; nút {} ký thay";
    ByBounds: "{} by {}: not before {} ({}), not after {} ({})", "{}, nút {}: không trước {} ({}), không sau {} ({})";
    ByWitnesses: "checkpoint of {} leaves, cosigned by {}", "điểm kiểm {} lá, đồng ký bởi {}";
    ByDigest: "{} bytes, SHA-256 {}", "{} byte, SHA-256 {}";
    LackOtherRoot: "the file was made under another root document, {}: verify it with that one", "tệp lập theo tài liệu gốc khác, {}: hãy kiểm chứng bằng tài liệu đó";
    LackNoGround: "the network or the directory in the file does not hold", "mạng hoặc danh bạ trong tệp không đúng";
    LackNoEnvelope: "the file does not hold the sealed dispatch", "tệp không có gói văn bản đã ký";
    LackForged: "what would prove it is false", "phần lẽ ra chứng minh điều này là sai";
    LackNoFirst: "no receipt of the originator's node says when it took custody", "không có biên nhận của nút nơi gửi về thời điểm tiếp nhận";
    LackNotChecked: "the first node checked no revocation list", "nút đầu tiên không kiểm tra danh sách thu hồi";
    LackNoLists: "the revocation lists that the first node used ({}) are not in the file", "tệp không có các danh sách thu hồi mà nút đầu tiên đã dùng ({})";
    LackListsOld: "the revocation lists are of {}, too old to decide then", "danh sách thu hồi ngày {}, quá cũ để xét tại thời điểm đó";
    LackNoReceipt: "no receipt in the file says so", "không có biên nhận nào trong tệp nói vậy";
    LackGap: "the chain stops at {}: the receipt it rests on ({}) is not here or does not carry it", "chuỗi dừng ở {}: thiếu biên nhận làm căn cứ ({}) hoặc biên nhận đó không khớp";
    LackEnded: "{} by {} at {} {}", "{}, nút {} lúc {} {}";
    LackNoLatest: "{} by {} at {}: its own word; nobody else says by when", "{}, nút {} lúc {}: chỉ theo lời nút này, chưa bên nào xác nhận không muộn hơn lúc nào";
    LackClocks: "{} by {}: the clocks contradict each other, not before {} ({}) and not after {} ({})", "{}, nút {}: các đồng hồ mâu thuẫn, không trước {} ({}) và không sau {} ({})";
    LackNoCheckpoint: "no checkpoint in the file covers it", "không có điểm kiểm nào trong tệp bao trùm";
    LackNotInPolicy: "the policy does not name this log", "chính sách không có nhật ký này";
    LackNoQuorum: "cosigned by: {}; missing: {}", "đã đồng ký: {}; còn thiếu: {}";
    LackUnknownWitness: "a line by a key that neither the directory nor your policy knows", "có dòng ký bằng khóa mà cả danh bạ và chính sách đều không biết";
    LackNoDocument: "not in the file, nor given with --document: SHA-256 {}", "không có trong tệp, cũng không đưa bằng --document: SHA-256 {}";
    LackStamp: "not checked: say whose time-stamps count with --tsa FILE; SHA-256 {}", "chưa kiểm chứng: cho biết tổ chức cấp dấu thời gian bằng --tsa FILE; SHA-256 {}";
    LackStampRefused: "not of an authority that counts [{}]: {}", "không phải của tổ chức được chấp nhận [{}]: {}";
    ByStamp: "its first {} entries, and every receipt among them, were held no later than {} (time-stamp of {}, number {})", "{} mục đầu tiên, cùng mọi biên nhận trong đó, đã có chậm nhất lúc {} (dấu thời gian của {}, số {})";
    ByTimeStamp: "time-stamp of {}", "dấu thời gian của {}";
    LackOtherPolicy: "the file holds its maker's policy, SHA-256 {}: give it with --policy to go by it", "tệp có chính sách của người lập, SHA-256 {}: đưa bằng --policy nếu chấp nhận";
    LackNotAuthorised: "{} by {} at {}: it may not say so, or stands outside the chain of receipts", "{}, nút {} lúc {}: nút này không có thẩm quyền hoặc nằm ngoài chuỗi biên nhận";
    ByOriginator: "{}, the originator", "{}, nơi gửi";
    ByWitness: "{}, a witness", "{}, bên chứng kiến";
    ClaimDocument: "the document has the digest and size in the envelope", "văn bản khớp mã băm và dung lượng trong phong bì";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_the_same_places_in_both_languages() {
        for word in Word::ALL {
            let places = |l| word.text(l).matches("{}").count();
            assert_eq!(places(Language::English), places(Language::Vietnamese), "{word:?}");
            assert!(!word.text(Language::Vietnamese).is_empty(), "{word:?}");
        }
    }

    #[test]
    fn particulars_are_escaped_and_not_searched() {
        let text = Word::Exported.filled(Language::English, &["{}", "a\u{1b}b"]);
        assert_eq!(text, "{} receipts in a\\u{1b}b.");
    }
}
