/// The XML signature of a file, for what it is. **It is not verified and proves nothing**: files travel
/// through systems that write them anew, real ones repeat one signature value in different files, and
/// no route, party or right is taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureReport {
    /// In which form it is there.
    pub form: SignatureForm,
    /// `CanonicalizationMethod`.
    pub canonicalization: Option<String>,
    /// `SignatureMethod`.
    pub method: Option<String>,
    /// `Reference`, in their order.
    pub references: Vec<Referred>,
    /// Characters of `SignatureValue`, white space left out.
    pub value_chars: usize,
    /// `X509SubjectName`: said, not proved.
    pub subject: Option<String>,
    /// `X509Certificate`, decoded: bytes, looked at by nobody here.
    pub certificates: Vec<Vec<u8>>,
}

/// Where the element stands among the namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// `Signature` in the namespace of XML Signature.
    XmlSignature,
    /// `Signature` in the namespace of QCVN 102, as one vendor writes it.
    Edxml,
    /// `DigitalSignature`, as another writes it.
    DigitalSignature,
}

/// What a `Reference` of the signature points at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referred {
    /// `URI`; empty means the whole file.
    pub uri: String,
    /// `DigestMethod`.
    pub method: Option<String>,
    /// `DigestValue`, as it came.
    pub digest: Option<String>,
    /// Whether the attachment it names, and every other under that id, has this digest, where it names one
    /// and the method is SHA-256.
    /// A comparison, not a verification: whoever changes the one can change the other.
    pub fits: Option<bool>,
}
