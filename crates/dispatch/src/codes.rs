//! The one table of refusals and errors. `docs/errors.md` is generated from it; every surface
//! (socket API, frames, evidence, CLI) takes its codes, statuses and words from here.

use std::fmt;
use std::str::FromStr;

use crate::Event;

/// Whose fault it is, so that the right person acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program that submits, or the agency that sealed.
    Submitter,
    /// The caller of the socket API or CLI.
    Caller,
    /// The neighbouring node.
    Peer,
    /// This node's operator: configuration, certificates, directory.
    Operator,
    /// The machine: disk, clock, memory.
    Machine,
    /// The recipient decided so.
    Recipient,
    /// Nobody: an outage or a limit that passes.
    Nobody,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same thing will be answered the same way.
    Never,
    /// Later, unchanged.
    Later,
    /// After somebody mends what the remedy names.
    AfterRemedy,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The stable code.
    pub code: &'static str,
    /// Number on the wire, never reused.
    pub number: u16,
    /// Whose fault.
    pub fault: Fault,
    /// Whether to try again.
    pub retry: Retry,
    /// The evidence event it leads to at the first node, where it is evidence.
    pub event: Option<Event>,
    /// HTTP status on the local socket.
    pub http: u16,
    /// Exit status of the CLI.
    pub exit: u8,
    /// Cause, English.
    pub cause: &'static str,
    /// Remedy, English.
    pub remedy: &'static str,
    /// Cause, Vietnamese.
    pub cause_vi: &'static str,
    /// Remedy, Vietnamese.
    pub remedy_vi: &'static str,
}

/// Exit statuses of the CLI.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Refused.
    pub const REFUSED: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// Undetermined, or try again later.
    pub const LATER: u8 = 3;
    /// Storage.
    pub const STORAGE: u8 = 4;
    /// Unreachable.
    pub const UNREACHABLE: u8 = 5;
}

macro_rules! codes {
    ($( $name:ident = $number:literal $code:literal $fault:ident $retry:ident $event:expr, $http:literal, $exit:ident,
        $cause:literal, $remedy:literal, $cause_vi:literal, $remedy_vi:literal; )+) => {
        /// A refusal or error: a row of the table.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $( #[doc = $cause] $name, )+
            /// A code of a later version, by its number: kept and passed on.
            Unknown(u16),
        }

        impl Code {
            /// Every code of this version, in the order of the table.
            pub const ALL: &[Code] = &[ $( Code::$name, )+ ];

            /// The row of this code.
            pub const fn row(self) -> &'static Row {
                match self {
                    Code::Unknown(_) => &UNKNOWN,
                    $( Code::$name => &Row {
                        code: $code, number: $number, fault: Fault::$fault, retry: Retry::$retry,
                        event: $event, http: $http, exit: exit::$exit, cause: $cause,
                        remedy: $remedy, cause_vi: $cause_vi, remedy_vi: $remedy_vi,
                    }, )+
                }
            }
        }
    };
}

/// What can be said of a code that this version does not know.
static UNKNOWN: Row = Row {
    code: "UNKNOWN_CODE",
    number: 0,
    fault: Fault::Nobody,
    retry: Retry::Later,
    event: None,
    http: 500,
    exit: exit::LATER,
    cause: "a code of a later version of the protocol",
    remedy: "whoever gave it runs a newer version, whose documents explain it",
    cause_vi: "mã lỗi của phiên bản giao thức mới hơn",
    remedy_vi: "nút đưa ra mã này chạy phiên bản mới hơn; xem tài liệu của phiên bản đó",
};

use Event::SubmissionRejection as SR;

codes! {
    Malformed = 1 "MALFORMED" Submitter Never None, 400, REFUSED,
        "the bytes are not a sealed dispatch of this format", "build it as docs/protocol.md says, or seal it with `tram dispatch seal`",
        "dữ liệu không phải là gói văn bản đã ký số đúng định dạng", "tạo gói theo docs/protocol.md, hoặc dùng `tram dispatch seal`";
    NotCanonical = 2 "NOT_CANONICAL" Submitter Never None, 400, REFUSED,
        "the bytes are not in deterministic CBOR form", "encode with shortest integers, definite lengths and sorted unique keys (RFC 8949 section 4.2)",
        "dữ liệu không ở dạng CBOR chuẩn tắc", "mã hóa theo RFC 8949 mục 4.2";
    TooLarge = 3 "TOO_LARGE" Submitter Never None, 413, REFUSED,
        "a size or count is over its limit", "keep to the limits listed in docs/protocol.md",
        "kích thước hoặc số lượng vượt giới hạn", "tuân theo các giới hạn trong docs/protocol.md";
    WrongNetwork = 4 "WRONG_NETWORK" Submitter Never None, 422, REFUSED,
        "it was sealed for another network", "seal it with the root document of this network",
        "gói được ký số cho mạng khác", "ký số lại với tài liệu gốc của mạng này";
    SignatureInvalid = 5 "SIGNATURE_INVALID" Submitter Never None, 422, REFUSED,
        "the seal does not fit the envelope: it was altered after sealing, or sealed with another key", "seal the dispatch again; if it was not you who changed it, ask who handled it",
        "chữ ký số không khớp: gói đã bị sửa sau khi ký hoặc ký bằng khóa khác", "ký số lại; nếu không phải bạn sửa, hãy hỏi ai đã xử lý gói";
    DocumentDigestMismatch = 6 "DOCUMENT_DIGEST_MISMATCH" Submitter Never None, 422, REFUSED,
        "a document's bytes do not have the digest or size that the envelope names: it was altered or cut", "send the document that was sealed, or seal the new one",
        "nội dung văn bản không khớp mã băm hoặc kích thước trong phong bì", "gửi đúng văn bản đã ký số, hoặc ký số lại văn bản mới";
    DocumentMissing = 7 "DOCUMENT_MISSING" Submitter AfterRemedy None, 409, REFUSED,
        "a document that the envelope names was not handed in", "upload it first (PUT /v1/documents/{sha256}), then submit again",
        "thiếu một văn bản có tên trong phong bì", "tải văn bản lên trước, rồi gửi lại";
    CertificateExpired = 8 "CERTIFICATE_EXPIRED" Submitter AfterRemedy None, 422, REFUSED,
        "the certificate had expired when the first node judged it", "renew the certificate and seal again",
        "chứng thư số đã hết hạn vào lúc nút đầu tiên kiểm tra", "gia hạn chứng thư số rồi ký số lại";
    CertificateNotYetValid = 9 "CERTIFICATE_NOT_YET_VALID" Submitter AfterRemedy None, 422, REFUSED,
        "the certificate is not valid yet", "check the clocks, or wait until it is valid",
        "chứng thư số chưa có hiệu lực", "kiểm tra đồng hồ, hoặc đợi đến khi có hiệu lực";
    CertificateRevoked = 10 "CERTIFICATE_REVOKED" Submitter AfterRemedy None, 422, REFUSED,
        "the certificate is revoked", "seal again with a certificate that is not",
        "chứng thư số đã bị thu hồi", "ký số lại bằng chứng thư số còn hiệu lực";
    CertificateNameConstraint = 11 "CERTIFICATE_NAME_CONSTRAINT" Submitter AfterRemedy None, 422, REFUSED,
        "the certificate names something outside what its CA may issue for", "have it issued by the CA of that subtree",
        "chứng thư số mang tên nằm ngoài phạm vi được phép của CA cấp", "xin cấp bởi CA của đúng nhánh đó";
    CertificateUntrusted = 12 "CERTIFICATE_UNTRUSTED" Submitter AfterRemedy None, 422, REFUSED,
        "no path from the certificate to a trust anchor of this network", "send the missing intermediate certificates, or use a certificate of this network",
        "không có đường dẫn từ chứng thư số đến gốc tin cậy của mạng", "gửi kèm chứng thư trung gian còn thiếu, hoặc dùng chứng thư của mạng này";
    CertificateInvalid = 13 "CERTIFICATE_INVALID" Submitter AfterRemedy None, 422, REFUSED,
        "the certificate cannot serve this purpose", "have one issued by the profile in certs/",
        "chứng thư số không dùng được cho mục đích này", "xin cấp chứng thư theo mẫu trong certs/";
    AlgorithmRefused = 14 "ALGORITHM_REFUSED" Submitter AfterRemedy None, 422, REFUSED,
        "the signature algorithm or key size is not accepted", "use ES256, ES384, EdDSA (Ed25519), PS256, PS384 or RS256 with RSA keys of 2048 to 4096 bits",
        "thuật toán ký hoặc độ dài khóa không được chấp nhận", "dùng ES256, ES384, Ed25519, PS256, PS384 hoặc RS256 với khóa RSA 2048 đến 4096 bit";
    OriginatorMismatch = 15 "ORIGINATOR_MISMATCH" Submitter Never None, 422, REFUSED,
        "the seal belongs to another agency than the originator named", "seal with the originator's own key",
        "chữ ký số thuộc cơ quan khác với nơi gửi ghi trong phong bì", "ký số bằng khóa của chính nơi gửi";
    RevocationUnknown = 16 "REVOCATION_UNKNOWN" Operator Later None, 503, LATER,
        "the revocation list of the issuer is older than the grace allows", "install a fresh list; the dispatch is kept by its sender until then",
        "danh sách thu hồi của đơn vị cấp đã quá cũ", "cài danh sách mới; bên gửi vẫn giữ gói đến lúc đó";
    ReferenceReused = 17 "REFERENCE_REUSED" Submitter Never Some(SR), 409, REFUSED,
        "the originator already used this reference for different content", "use a new reference; the first dispatch stands",
        "nơi gửi đã dùng số tham chiếu này cho nội dung khác", "dùng số tham chiếu mới; gói đầu tiên vẫn có hiệu lực";
    SecretRefused = 18 "SECRET_REFUSED" Submitter Never Some(SR), 422, REFUSED,
        "the dispatch carries a secrecy mark; secret documents must not travel here", "send it by the channel that the law on state secrets prescribes",
        "gói mang dấu mật; văn bản mật không được gửi qua mạng này", "gửi theo kênh mà pháp luật về bí mật nhà nước quy định";
    DispatchExpired = 19 "DISPATCH_EXPIRED" Submitter Never Some(SR), 422, REFUSED,
        "the dispatch's own expiry has passed", "seal it again with a later expiry",
        "gói đã quá thời hạn do chính nó ghi", "ký số lại với thời hạn muộn hơn";
    TimesInvalid = 20 "TIMES_INVALID" Submitter AfterRemedy Some(SR), 422, REFUSED,
        "sealing time or expiry is out of bounds: sealed in the future, or a lifetime over the network's maximum", "check the sealing system's clock and the expiry it asks for",
        "thời điểm ký số hoặc thời hạn nằm ngoài giới hạn", "kiểm tra đồng hồ và thời hạn của hệ thống ký số";
    RecipientUnknown = 21 "RECIPIENT_UNKNOWN" Submitter AfterRemedy Some(SR), 422, REFUSED,
        "a recipient is not in the directory", "look the code up with `tram directory find`, or ask for it to be added",
        "nơi nhận không có trong danh bạ", "tra mã bằng `tram directory find`, hoặc đề nghị bổ sung";
    AgencyClosed = 22 "AGENCY_CLOSED" Submitter AfterRemedy Some(SR), 422, REFUSED,
        "the agency is closed and the directory names no successor", "address the agency that took over its work",
        "cơ quan đã đóng mã và danh bạ không ghi cơ quan kế thừa", "gửi đến cơ quan tiếp nhận nhiệm vụ";
    NoRoute = 23 "NO_ROUTE" Operator AfterRemedy None, 503, LATER,
        "the directory names no node that serves this recipient, or no way to it", "check the recipient's entry and its node's parent in the directory",
        "danh bạ không có nút phục vụ nơi nhận, hoặc không có đường đi", "kiểm tra mục của nơi nhận và nút cha trong danh bạ";
    HopLimit = 24 "HOP_LIMIT" Submitter Never None, 422, REFUSED,
        "the dispatch passed as many nodes as its envelope allows", "seal it again with a higher max-hops; if the way is long, check the directory for a loop",
        "gói đã qua số nút tối đa cho phép", "ký số lại với giới hạn cao hơn; kiểm tra vòng lặp trong danh bạ";
    Misrouted = 25 "MISROUTED" Peer Never None, 422, REFUSED,
        "this node does not lie on a permitted way from the originator to the recipient", "compare the directory versions of the two nodes",
        "nút này không nằm trên đường đi được phép", "so sánh phiên bản danh bạ của hai nút";
    OriginatorNotHere = 26 "ORIGINATOR_NOT_HERE" Submitter AfterRemedy None, 403, REFUSED,
        "the directory says that another node serves this originator", "submit at that node, or have the directory changed",
        "danh bạ ghi rằng nút khác phục vụ nơi gửi này", "gửi tại nút đó, hoặc đề nghị sửa danh bạ";
    NotAuthorised = 27 "NOT_AUTHORISED" Caller AfterRemedy None, 403, REFUSED,
        "this system user may not do that for that agency", "ask the operator to map your user to the agency and role in the configuration",
        "tài khoản hệ thống này không được phép làm việc đó cho cơ quan đó", "đề nghị người vận hành gán quyền trong cấu hình";
    NotFound = 28 "NOT_FOUND" Caller Never None, 404, REFUSED,
        "there is no such thing here", "check the id; listings show what exists",
        "không tìm thấy", "kiểm tra lại mã; các lệnh liệt kê cho biết những gì đang có";
    BadRequest = 29 "BAD_REQUEST" Caller AfterRemedy None, 400, USAGE,
        "the request or command is not complete or not right", "give what the detail names; for commands --help shows the form, for programs docs/api/openapi.json",
        "yêu cầu hoặc lệnh chưa đủ hoặc chưa đúng", "bổ sung điều nêu ở chi tiết; cách viết lệnh xem --help, chương trình xem docs/api/openapi.json";
    WrongState = 30 "WRONG_STATE" Caller Never None, 409, REFUSED,
        "the dispatch is not in a state that allows this", "look at it with `tram track`",
        "trạng thái hiện tại không cho phép thao tác này", "xem bằng `tram track`";
    RecipientRefused = 31 "RECIPIENT_REFUSED" Recipient Never None, 409, REFUSED,
        "the recipient's clerk refused it; the remark says why", "read the remark, correct, and send a new dispatch",
        "văn thư nơi nhận trả lại; lý do ghi trong ghi chú", "đọc ghi chú, sửa và gửi gói mới";
    SealingDisabled = 32 "SEALING_DISABLED" Operator AfterRemedy None, 403, REFUSED,
        "this node holds no seal key for that agency", "seal in the agency's own system, or give the node a key (docs/operations.md, section Seals)",
        "nút này không giữ khóa ký số của cơ quan đó", "ký số tại hệ thống của cơ quan, hoặc cấp khóa cho nút";
    Busy = 33 "BUSY" Nobody Later None, 503, LATER,
        "the node is at a limit of its work in progress", "try again after the time given",
        "nút đang ở giới hạn xử lý", "thử lại sau thời gian đã cho";
    BusyStorage = 34 "BUSY_STORAGE" Machine Later None, 507, LATER,
        "too little free space to accept this durably", "free space on the volume of the data directory; work resumes by itself",
        "không đủ dung lượng để lưu bền vững", "giải phóng dung lượng; nút sẽ tự tiếp tục";
    Quota = 35 "QUOTA" Submitter Later None, 429, LATER,
        "the agency or peer used up its quota", "try again after the time given, or ask the operator for more",
        "cơ quan hoặc nút láng giềng đã dùng hết hạn mức", "thử lại sau, hoặc đề nghị tăng hạn mức";
    StorageFailed = 36 "STORAGE_FAILED" Machine AfterRemedy None, 503, STORAGE,
        "the disk reported an error; the node stopped rather than guess", "check the disk, then start the node again; recovery reads what is really there",
        "ổ đĩa báo lỗi; nút đã dừng thay vì đoán", "kiểm tra ổ đĩa rồi khởi động lại; nút sẽ phục hồi từ dữ liệu thật";
    StoreLocked = 37 "STORE_LOCKED" Operator AfterRemedy None, 503, STORAGE,
        "another daemon uses this store", "stop the other one; never delete the lock file",
        "tiến trình khác đang dùng kho này", "dừng tiến trình kia; không xóa tệp khóa";
    StoreCorrupt = 38 "STORE_CORRUPT" Machine AfterRemedy None, 500, STORAGE,
        "stored bytes are damaged", "run `tram store check`; follow docs/operations.md, section Damaged store",
        "dữ liệu lưu trữ bị hỏng", "chạy `tram store check` và làm theo docs/operations.md";
    StoreVersion = 39 "STORE_VERSION" Operator AfterRemedy None, 500, STORAGE,
        "the store was written by a newer version", "install that version or a later one; nothing was touched",
        "kho do phiên bản mới hơn ghi", "cài phiên bản đó hoặc mới hơn; chưa có gì bị thay đổi";
    ConfigInvalid = 40 "CONFIG_INVALID" Operator AfterRemedy None, 500, USAGE,
        "the configuration is not valid", "mend what is named; `tram config check` reads it without starting",
        "cấu hình không hợp lệ", "sửa chỗ được nêu; `tram config check` để kiểm tra";
    NodeUnreachable = 41 "NODE_UNREACHABLE" Operator AfterRemedy None, 503, UNREACHABLE,
        "no node answers on the local socket", "start it with `tram run`, or name the socket with --socket",
        "không có nút nào trả lời trên socket", "khởi động bằng `tram run`, hoặc chỉ rõ --socket";
    PeerUnreachable = 42 "PEER_UNREACHABLE" Nobody Later None, 503, UNREACHABLE,
        "the peer does not answer", "see that it runs, that its address is right, and that every firewall on the way lets its UDP port through",
        "nút láng giềng không trả lời", "kiểm tra nút đó có chạy không, địa chỉ có đúng không, tường lửa trên đường đi có mở cổng UDP không";
    PeerNotInDirectory = 43 "PEER_NOT_IN_DIRECTORY" Operator AfterRemedy None, 403, REFUSED,
        "the peer is not an open, adjacent node in the directory", "`tram peer list` shows the neighbours; if it should be one, install the current directory on both nodes",
        "nút không phải là nút láng giềng đang hoạt động theo danh bạ", "`tram peer list` cho biết các nút láng giềng; nếu lẽ ra phải có, cài danh bạ hiện hành trên cả hai nút";
    ClockUncertain = 44 "CLOCK_UNCERTAIN" Machine Later None, 503, LATER,
        "the clock disagrees with the peers', so nothing is expired or refused by time", "set the clock right; the state clears by itself, or where a clock that ran ahead dated the receipt log, when that time comes or a new epoch begins",
        "đồng hồ lệch so với các nút láng giềng", "chỉnh lại đồng hồ; trạng thái tự hết, hoặc nếu nhật ký biên nhận đã bị ghi giờ tương lai thì chờ đến giờ đó hay mở kỷ mới";
    LogRollback = 45 "LOG_ROLLBACK" Operator AfterRemedy None, 503, STORAGE,
        "a peer or the anchor holds a later state of this node's receipt log: the store is an old copy", "put the newest store back, or begin a new epoch (`tram log new-epoch`); docs/operations.md, section Rolled-back store",
        "nút láng giềng giữ trạng thái mới hơn: kho này là bản cũ", "khôi phục kho mới nhất theo docs/operations.md";
    LogFork = 46 "LOG_FORK" Peer AfterRemedy None, 503, STORAGE,
        "two signed states of one receipt log contradict each other", "keep both as proof and begin a new epoch (`tram log new-epoch`); docs/operations.md, section Forked log",
        "hai trạng thái đã ký của cùng một nhật ký mâu thuẫn nhau", "giữ cả hai làm bằng chứng; xem docs/operations.md";
    ReceiptInvalid = 47 "RECEIPT_INVALID" Peer Never None, 422, REFUSED,
        "a receipt does not verify", "the detail names the step that failed; ask its node for it again",
        "biên nhận không kiểm chứng được", "xem bước lỗi; yêu cầu nút phát hành gửi lại";
    DirectoryInvalid = 48 "DIRECTORY_INVALID" Operator Never None, 422, REFUSED,
        "the directory does not verify against the root document", "fetch it again from who signed it",
        "danh bạ không kiểm chứng được theo tài liệu gốc", "lấy lại từ đơn vị ký";
    DirectoryOld = 49 "DIRECTORY_OLD" Operator Never None, 409, REFUSED,
        "the directory is older than the one installed", "install a newer version",
        "danh bạ cũ hơn bản đang cài", "cài phiên bản mới hơn";
    DirectoryFork = 50 "DIRECTORY_FORK" Operator Never None, 409, REFUSED,
        "the same directory version exists with different content; the one installed stays", "ask the directory's signers: one of the two must not exist",
        "cùng phiên bản danh bạ nhưng nội dung khác; giữ bản đang cài", "hỏi đơn vị ký danh bạ";
    Returned = 51 "RETURNED" Peer AfterRemedy None, 409, LATER,
        "the next node gave the leg back: from there the way leads back here", "compare the directory versions of the two nodes",
        "nút kế tiếp trả lại: từ đó đường đi lại quay về đây", "so sánh phiên bản danh bạ của hai nút";
    OnHold = 52 "ON_HOLD" Operator AfterRemedy None, 409, LATER,
        "the operator put it on hold", "release it with `tram queue release`",
        "người vận hành đang giữ lại", "giải phóng bằng `tram queue release`";
    Dropped = 53 "DROPPED" Operator Never None, 409, REFUSED,
        "the operator gave it up", "the remark says why; send a new dispatch",
        "người vận hành đã hủy chuyển", "xem ghi chú; gửi gói mới";
    Internal = 54 "INTERNAL" Machine Later None, 500, LATER,
        "the node could not finish the request", "look into the service log; nothing accepted is lost",
        "nút không hoàn tất được yêu cầu", "xem nhật ký dịch vụ; không có gì đã nhận bị mất";
    Unreadable = 55 "UNREADABLE" Operator AfterRemedy None, 400, USAGE,
        "a file cannot be read or is not what it should be", "check the path, the permissions and the kind of file",
        "không đọc được tệp hoặc tệp không đúng loại", "kiểm tra đường dẫn, quyền và loại tệp";
    CertificateEndsSoon = 56 "CERTIFICATE_ENDS_SOON" Operator AfterRemedy None, 503, LATER,
        "a certificate of this node ends soon", "renew it in time; docs/operations.md, section Certificates expiring",
        "chứng thư số của nút sắp hết hạn", "gia hạn trước khi hết hạn theo docs/operations.md";
    ClaimUnproved = 57 "CLAIM_UNPROVED" Peer AfterRemedy None, 422, LATER,
        "a peer says something of this node's receipt log that no signature of this node proves", "nothing here is affected; ask that node's operator to look at its program and store",
        "nút láng giềng nói về nhật ký biên nhận của nút này mà không có chữ ký của nút này làm chứng", "nút này không bị ảnh hưởng; đề nghị người vận hành nút đó kiểm tra chương trình và kho";
    LogUnanchored = 58 "LOG_UNANCHORED" Operator Later None, 503, LATER,
        "nothing outside the store vouches for the end of this node's receipt log: its anchor is missing, of another machine or store, or ahead", "connect a peer, which shows what it holds of the log, or see docs/operations.md, section Unanchored log",
        "không có gì ngoài kho chứng thực điểm cuối của nhật ký biên nhận: tệp neo bị thiếu, của máy hoặc kho khác, hoặc mới hơn kho", "kết nối một nút láng giềng, hoặc xem mục Unanchored log trong docs/operations.md";
    EpochUnlisted = 59 "EPOCH_UNLISTED" Operator Later None, 503, LATER,
        "the directory does not list this epoch of a receipt log, and its node's parent has not cosigned it", "connect the parent, or have the epoch added to the directory (node-request.json); docs/operations.md, section New epoch",
        "danh bạ chưa có đời nhật ký này và nút cấp trên chưa đồng ký", "kết nối nút cấp trên hoặc bổ sung đời nhật ký vào danh bạ theo docs/operations.md";
    TimeStampInvalid = 80 "TIME_STAMP_INVALID" Nobody Later None, 422, REFUSED,
        "a time-stamp token does not verify", "the detail names the step that failed. In an evidence file: take the file from its node again; if it stays so, the token proves nothing. At a node: it asks its server again by itself; if it stays so, the server does not give what docs/protocol.md, section 7.7, asks for",
        "dấu thời gian không kiểm chứng được", "xem bước lỗi. Trong tệp bằng chứng: lấy lại tệp từ nút; nếu vẫn vậy thì dấu này không chứng minh gì. Tại nút: nút tự yêu cầu lại; nếu vẫn vậy thì máy chủ không cấp đúng như docs/protocol.md, mục 7.7";
    TimeStampOverdue = 81 "TIME_STAMP_OVERDUE" Operator AfterRemedy None, 503, LATER,
        "receipts have been without a time-stamp from outside for more than a day", "see that the time-stamp server answers and that its certificate leads to the anchors configured; docs/operations.md, section Time-stamps",
        "biên nhận chưa có dấu thời gian bên ngoài quá một ngày", "kiểm tra máy chủ dấu thời gian và chứng thư của nó theo docs/operations.md, mục Time-stamps";
    RetentionOverdue = 83 "RETENTION_OVERDUE" Operator AfterRemedy None, 503, LATER,
        "documents whose time is over are still kept", "the detail says what holds them back: the limit of a day, the clock, or the disk; docs/operations.md, section Retention",
        "văn bản đã hết hạn lưu vẫn còn được giữ", "xem lý do trong chi tiết: giới hạn trong ngày, đồng hồ hoặc ổ đĩa; xem docs/operations.md, mục Retention";
    TilesOverdue = 82 "TILES_OVERDUE" Operator AfterRemedy None, 503, LATER,
        "the public log has not been brought up to date for long", "the detail names what failed last: see that the folder of [tiles] can be written and holds this log; docs/operations.md, section The public log",
        "nhật ký công khai chưa được cập nhật trong thời gian dài", "xem lỗi gần nhất trong chi tiết: kiểm tra thư mục của [tiles] có ghi được và chứa đúng nhật ký này; xem docs/operations.md, mục The public log";
    ActNotAllowed = 90 "ACT_NOT_ALLOWED" Submitter Never Some(SR), 422, REFUSED,
        "only the originator of a dispatch, or its successor, may recall, update or replace it; only who was addressed may answer it", "check the reference and whose it is; what was recalled from everybody is replaced, not updated; if the agency was merged, have the directory name the successor",
        "chỉ nơi gửi (hoặc cơ quan kế thừa) được thu hồi, cập nhật, thay thế; chỉ nơi nhận được trả lời", "kiểm tra số tham chiếu và nơi gửi; văn bản đã thu hồi ở mọi nơi nhận thì thay thế, không cập nhật; nếu cơ quan đã sáp nhập, đề nghị ghi cơ quan kế thừa vào danh bạ";
    Recalled = 91 "RECALLED" Nobody Never None, 409, REFUSED,
        "its originator recalled it before it arrived", "nothing; the recall is on record",
        "nơi gửi đã thu hồi trước khi văn bản đến nơi", "không cần làm gì; việc thu hồi đã được ghi lại";
    WrongAddressee = 92 "WRONG_ADDRESSEE" Recipient Never None, 409, REFUSED,
        "the recipient's clerk returned it: it is meant for somebody else", "send a new dispatch to the right agency; the remark may name it",
        "văn thư nơi nhận trả lại: gửi nhầm nơi nhận", "gửi gói mới đến đúng cơ quan; xem ghi chú";
    DocumentUnsound = 93 "DOCUMENT_UNSOUND" Recipient Never None, 409, REFUSED,
        "the recipient's clerk returned it: a document is broken, not whole or not authentic", "the remark says what is wrong; send it anew, or as an update",
        "văn thư nơi nhận trả lại: văn bản hỏng, không toàn vẹn hoặc không xác thực", "xem ghi chú; gửi lại bằng gói mới hoặc gói cập nhật";
    RegistrationOverdue = 94 "REGISTRATION_OVERDUE" Recipient Later None, 409, LATER,
        "the recipient's clerk neither registered nor refused it by the deadline", "ask the recipient; it may still register or refuse",
        "văn thư nơi nhận chưa vào sổ cũng chưa trả lại khi hết hạn", "hỏi nơi nhận; nơi nhận vẫn có thể vào sổ hoặc trả lại";
    StorageUnsure = 70 "STORAGE_UNSURE" Machine AfterRemedy None, 503, STORAGE,
        "the disk failed since this machine was started, and what it really holds cannot be read past the memory that hides it", "see to the disk, then restart the machine; docs/operations.md, section When storage fails",
        "ổ đĩa đã lỗi từ khi máy khởi động, và không đọc được chắc chắn dữ liệu thật trên ổ đĩa", "kiểm tra ổ đĩa rồi khởi động lại máy; xem docs/operations.md, mục When storage fails";
    StorageReadOnly = 71 "STORAGE_READ_ONLY" Machine AfterRemedy None, 503, STORAGE,
        "the file system of the data directory takes no writes; what is there can be read", "find out why (`dmesg`), then mount it writable; docs/operations.md, section When storage fails",
        "hệ thống tệp của thư mục dữ liệu không cho ghi; vẫn đọc được dữ liệu đã có", "tìm nguyên nhân (`dmesg`) rồi gắn lại ở chế độ ghi; xem docs/operations.md, mục When storage fails";
    Quarantined = 60 "QUARANTINED" Machine AfterRemedy None, 409, LATER,
        "the node set the dispatch aside: work on it broke off three times, or what is stored of it is damaged", "look at it with `tram queue list --state quarantined`, then release or drop it; docs/operations.md, section Quarantine",
        "nút đã cách ly gói: xử lý bị đứt quãng ba lần, hoặc dữ liệu lưu của gói bị hỏng", "xem bằng `tram queue list --state quarantined`, rồi giải phóng hoặc hủy; xem docs/operations.md";
    WorkUnfinished = 61 "WORK_UNFINISHED" Machine Later None, 503, LATER,
        "work on the dispatch broke off: its handler failed, or the process ended in the middle of it", "it is tried again by itself, three times at most; if it goes on, report it with the service log",
        "việc xử lý gói bị đứt quãng: bộ xử lý lỗi, hoặc tiến trình kết thúc giữa chừng", "nút tự thử lại, tối đa ba lần; nếu vẫn lỗi, báo lại kèm nhật ký dịch vụ";
    EdxmlMalformed = 95 "EDXML_MALFORMED" Submitter Never None, 422, REFUSED,
        "the file breaks the rules of XML or of edXML (QCVN 102)", "the detail names the element and the byte: have the system that wrote the file mend it (docs/edxml.md)",
        "tệp sai quy tắc XML hoặc edXML (QCVN 102)", "chi tiết nêu phần tử và vị trí: đề nghị hệ thống tạo tệp sửa lại (docs/edxml.md)";
    EdxmlUnsupported = 96 "EDXML_UNSUPPORTED" Submitter Never None, 422, REFUSED,
        "the file is not edXML of QCVN 102 in UTF-8 without a DTD, or says what a dispatch cannot", "the detail names the element: write the file as docs/edxml.md says",
        "tệp không phải edXML theo QCVN 102 mã hóa UTF-8 không có DTD, hoặc chứa nội dung mà gói văn bản không chuyển được", "chi tiết nêu phần tử: tạo tệp theo docs/edxml.md";
    GroupUnknown = 100 "GROUP_UNKNOWN" Caller AfterRemedy None, 422, REFUSED,
        "there is no such group: the directory does not know its agency, or this node has no group of that name", "look with `tram group list` and `tram directory find`; the operator adds groups as [[groups]] in the configuration",
        "không có nhóm này: danh bạ không có cơ quan của nhóm, hoặc nút không có nhóm tên đó", "xem bằng `tram group list` và `tram directory find`; người vận hành thêm nhóm bằng [[groups]] trong cấu hình";
    GroupEmpty = 101 "GROUP_EMPTY" Caller AfterRemedy None, 422, REFUSED,
        "nobody is left in the group who could be addressed: its agencies are closed, have no node, or are the originator itself", "look with `tram group show`; address the successors of closed agencies",
        "nhóm không còn nơi nhận nào: các cơ quan đã đóng, chưa có nút, hoặc chính là nơi gửi", "xem bằng `tram group show`; gửi đến cơ quan kế thừa của cơ quan đã đóng";
    DropUnfit = 110 "DROP_UNFIT" Submitter Never None, 422, REFUSED,
        "what lies in the drop folder cannot be taken: a link, a pipe, a device, a name that nobody can read, an ending that is not known, or a folder without dispatch.json", "the detail says which: have the system write it as docs/drop-folder.md says",
        "mục trong thư mục trao đổi không nhận được: liên kết, ống dẫn, thiết bị, tên không đọc được, phần mở rộng lạ hoặc thư mục thiếu dispatch.json", "xem chi tiết: cho hệ thống ghi tệp đúng như docs/drop-folder.md";
    DropStuck = 111 "DROP_STUCK" Operator AfterRemedy None, 503, LATER,
        "a drop folder has been in trouble for more than a minute: something in it cannot be read, written or sent", "the detail names what failed last: see that the folder can be written by the node and its disk has room; what lies there is tried again by itself",
        "thư mục trao đổi gặp trở ngại quá một phút: có mục không đọc, ghi hoặc gửi được", "xem lỗi gần nhất trong chi tiết: kiểm tra quyền ghi của nút và dung lượng ổ đĩa; nút tự thử lại";
    WebhookOverdue = 112 "WEBHOOK_OVERDUE" Operator AfterRemedy None, 503, LATER,
        "a receiver of events has not taken any for more than ten minutes", "the detail names what failed last: see that the receiver answers with a status from 200 to 299; events wait in the store, and the clerk's work does not wait for them",
        "nơi nhận sự kiện (webhook) không nhận quá mười phút", "xem lỗi gần nhất trong chi tiết: kiểm tra nơi nhận có trả mã 200 đến 299; sự kiện vẫn chờ trong kho và công việc không bị ảnh hưởng";
    SendingOverdue = 113 "SENDING_OVERDUE" Submitter Later None, 409, LATER,
        "what was submitted here has not left by its deadline: noon of the next working day, or at once or by its hour where it is urgent", "list it with `tram dispatch list --late`; `tram dispatch track` names the peer and why; the node tries again by itself, and the agency should tell urgent recipients by other means",
        "văn bản đã nhận ở nút này chưa đi được dù quá hạn gửi: 12 giờ trưa ngày làm việc tiếp theo, văn bản khẩn thì gửi ngay hoặc trước giờ hẹn", "liệt kê bằng `tram dispatch list --late`; `tram dispatch track` cho biết nút kế tiếp và nguyên nhân; nút tự gửi lại, việc khẩn nên báo nơi nhận bằng cách khác";
    AcknowledgementOverdue = 114 "ACKNOWLEDGEMENT_OVERDUE" Submitter Later None, 409, LATER,
        "what was sent from here is not acknowledged: the recipient's node has not confirmed the arrival (status 01) by the end of the day of sending, or by its hour", "list it with `tram dispatch list --unacknowledged`; `tram dispatch track` names the node that has it; ask its operator, or tell the recipient by other means",
        "văn bản gửi từ nút này chưa được xác nhận đã đến (trạng thái 01) trong ngày gửi hoặc trước giờ hẹn", "liệt kê bằng `tram dispatch list --unacknowledged`; `tram dispatch track` cho biết nút đang giữ; hỏi người vận hành nút đó hoặc báo nơi nhận bằng cách khác";
    CopyDamaged = 62 "COPY_DAMAGED" Peer Later None, 409, LATER,
        "the next node gave the leg back because its copy is damaged; it is given again", "nothing here; the next node's operator should look at its disk",
        "nút kế tiếp trả lại vì bản lưu của nút đó bị hỏng; gói được chuyển lại", "không cần làm gì ở đây; người vận hành nút kế tiếp nên kiểm tra ổ đĩa";
}

impl Code {
    /// The stable code, for example `REFERENCE_REUSED`.
    pub const fn as_str(self) -> &'static str {
        self.row().code
    }

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Code::Unknown(number) => number,
            known => known.row().number,
        }
    }

    /// The code of this version with this number.
    pub fn from_number(n: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.number() == n)
    }

    /// Reads the number on the wire; one of a later version is kept. Zero is none.
    pub fn read(n: u16) -> Option<Self> {
        Self::from_number(n).or((n > 0).then_some(Code::Unknown(n)))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code of the table in docs/errors.md")]
pub struct BadCode;

impl FromStr for Code {
    type Err = BadCode;
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let known = Self::ALL.iter().copied().find(|c| c.as_str() == text);
        known.or((text == UNKNOWN.code).then_some(Code::Unknown(0))).ok_or(BadCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_numbers_are_unique_and_total() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        let numbers: BTreeSet<_> = Code::ALL.iter().map(|c| c.number()).collect();
        assert_eq!((names.len(), numbers.len()), (Code::ALL.len(), Code::ALL.len()));
        for c in Code::ALL {
            assert_eq!(Code::from_number(c.number()), Some(*c));
            assert_eq!(c.as_str().parse(), Ok(*c));
            let row = c.row();
            assert!((400..600).contains(&row.http) && (1..=5).contains(&row.exit), "{c}");
            for words in [row.cause, row.remedy, row.cause_vi, row.remedy_vi] {
                assert!(!words.is_empty() && !words.ends_with('.'), "{c}");
            }
        }
    }
}
