//! What an edXML file says, field by field. Texts are as they came, without the white space around them;
//! an empty element and the word `null` are nothing.

mod attachment;
mod edoc;
mod operation;
mod reading;
mod signature;
mod status;

pub use attachment::{Attachment, Described};
pub use edoc::{Edoc, Kind, Party, Response, Signer};
pub use operation::{Change, Changed, Hop, Replaced, Staff, Task};
pub use reading::{Content, Reading};
pub use signature::{Referred, SignatureForm, SignatureReport};
pub use status::StatusNotice;
