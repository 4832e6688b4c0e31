//! The pull layer: elements with their path, values with their bounds, and content that streams past
//! the parser instead of through its memory.

use std::fmt;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::NamespaceResolver;

use super::chars::{first_forbidden, is_blank};
use super::meter::{Meter, Stop};
use super::prolog::{declaration, resolved};
use super::tag::{self, Name, Space};
use crate::Limits;
use crate::fault::{EdxmlError, Fault, quoted, shown};
use crate::notes::{Note, Notes, Odd};
use crate::secrecy::{self, Marked};

/// What is said of a fault before the root element.
pub(super) const BEFORE_ROOT: &str = "(before the root element)";

/// One element that is open.
struct Frame {
    name: String,
    /// Which one of its name among neighbours, from 1.
    nth: u32,
    /// The same of the element inside that came last.
    child: String,
    child_nth: u32,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            1 => f.write_str(&self.name),
            nth => write!(f, "{}[{nth}]", self.name),
        }
    }
}

/// The step that the parser made.
enum Step {
    Open(Name),
    /// The element ends; [`Pull::leave`] is still to come.
    Close,
    /// The file ends, outside of any element.
    End,
}

/// The reader of one file.
pub(crate) struct Pull<R> {
    pub(super) reader: Reader<Meter<R>>,
    spaces: NamespaceResolver,
    pub(super) limits: Limits,
    path: Vec<Frame>,
    pub(super) buffer: Vec<u8>,
    attributes: Vec<(String, String)>,
    /// The element opened last has no content: its end comes next.
    pub(super) empty: bool,
    begun: bool,
    elements: u64,
    asides: u64,
    texts: usize,
    notes: Notes,
    marks: Vec<Marked>,
}

impl<R: BufRead> Pull<R> {
    /// Begins to read.
    pub(crate) fn new(input: R, limits: &Limits) -> Self {
        let mut reader = Reader::from_reader(Meter::new(input, limits.file_bytes_max));
        reader.config_mut().enable_all_checks(true);
        let mut spaces = NamespaceResolver::default();
        spaces.set_max_namespace_bindings(limits.attributes_max);
        Pull {
            reader,
            spaces,
            limits: *limits,
            path: Vec::new(),
            buffer: Vec::new(),
            attributes: Vec::new(),
            empty: false,
            begun: false,
            elements: 0,
            asides: 0,
            texts: 0,
            notes: Notes::new(limits.notes_max),
            marks: Vec::new(),
        }
    }

    /// The bounds of this reading.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// An attribute of the element opened last.
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The way to the element that is being read.
    pub(crate) fn place(&self) -> String {
        if self.path.is_empty() {
            return BEFORE_ROOT.to_owned();
        }
        let labels: Vec<String> = self.path.iter().map(Frame::to_string).collect();
        labels.join("/")
    }

    /// A fault at the element that is being read.
    pub(crate) fn fail(&self, fault: Fault) -> EdxmlError {
        fault.at(self.place(), self.reader.get_ref().read_bytes())
    }

    /// A fault of an element that should be inside the one being read.
    pub(crate) fn fail_inside(&self, name: &str, fault: Fault) -> EdxmlError {
        fault.at(format!("{}/{name}", self.place()), self.reader.get_ref().read_bytes())
    }

    /// Remarks an oddity at the element that is being read.
    pub(crate) fn remark(&mut self, odd: Odd) {
        if self.notes.is_full() {
            self.notes.count();
        } else {
            self.notes.add(Note { place: self.place(), odd });
        }
    }

    /// Remarks an oddity anywhere.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.add(note);
    }

    /// Reads up to the root element, and its start tag.
    pub(crate) fn root(&mut self) -> Result<Name, EdxmlError> {
        self.first_bytes()?;
        let mut text = String::new();
        match self.step(&mut text)? {
            Step::Open(name) if is_blank(&text) => Ok(name),
            Step::Open(_) => {
                Err(Fault::StrayText(quoted(text.trim())).at(BEFORE_ROOT, self.offset()))
            }
            Step::Close | Step::End => {
                Err(Fault::NotWellFormed("there is no root element".to_owned())
                    .at(BEFORE_ROOT, self.offset()))
            }
        }
    }

    /// Every element inside the one opened last, in their order; `each` reads its element to its end.
    pub(crate) fn children(
        &mut self,
        mut each: impl FnMut(&mut Self, &Name) -> Result<(), EdxmlError>,
    ) -> Result<(), EdxmlError> {
        let mut text = String::new();
        loop {
            let step = self.step(&mut text)?;
            let stray = text.trim();
            if stray == "null" {
                self.remark(Odd::Null);
            } else if !stray.is_empty() {
                let fault = Fault::StrayText(quoted(stray));
                if matches!(step, Step::Open(_)) {
                    self.path.pop();
                }
                return Err(self.fail(fault));
            }
            text.clear();
            match step {
                Step::Open(name) => each(self, &name)?,
                Step::Close => return self.leave(),
                Step::End => return Err(self.fail(Fault::Cut)),
            }
        }
    }

    /// The value of the element opened last, without the white space around it, as `take` reads it.
    pub(crate) fn value<T>(
        &mut self,
        take: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, EdxmlError> {
        let text = self.run_of_text()?;
        let taken = take(text.trim()).map_err(|fault| self.fail(fault))?;
        self.leave()?;
        Ok(taken)
    }

    /// The value as text; absent where it is empty or the word `null`.
    pub(crate) fn text(&mut self) -> Result<Option<String>, EdxmlError> {
        let text = self.run_of_text()?;
        let text = text.trim();
        if text == "null" {
            self.remark(Odd::Null);
        }
        self.leave()?;
        Ok((!text.is_empty() && text != "null").then(|| text.to_owned()))
    }

    /// The character data of an element that has nothing else, up to its end tag.
    fn run_of_text(&mut self) -> Result<String, EdxmlError> {
        let mut text = String::new();
        match self.step(&mut text)? {
            Step::Open(name) => {
                self.path.pop();
                Err(self.fail(Fault::StrayElement(quoted(&name.local))))
            }
            Step::End => Err(self.fail(Fault::Cut)),
            Step::Close => {
                self.look_for_marks(&text);
                Ok(text)
            }
        }
    }

    /// A value, or elements inside; not both.
    pub(crate) fn text_or_children(
        &mut self,
        mut each: impl FnMut(&mut Self, &Name) -> Result<(), EdxmlError>,
    ) -> Result<Option<String>, EdxmlError> {
        let (mut text, mut elements) = (String::new(), 0);
        loop {
            let step = self.step(&mut text)?;
            let found = text.trim();
            match step {
                Step::Open(name) if found.is_empty() => {
                    text.clear();
                    elements += 1;
                    each(self, &name)?;
                }
                Step::Open(name) => {
                    self.path.pop();
                    return Err(self.fail(Fault::StrayElement(quoted(&name.local))));
                }
                Step::Close if elements > 0 && !found.is_empty() => {
                    return Err(self.fail(Fault::StrayText(quoted(found))));
                }
                Step::Close => {
                    let found = found.to_owned();
                    self.look_for_marks(&found);
                    self.leave()?;
                    return Ok((!found.is_empty() && found != "null").then_some(found));
                }
                Step::End => return Err(self.fail(Fault::Cut)),
            }
        }
    }

    /// Passes over an element that is not ours, with all that is in it.
    pub(crate) fn skip(&mut self) -> Result<(), EdxmlError> {
        self.remark(Odd::Unknown);
        self.skip_quietly()
    }

    /// As [`Pull::skip`], without a remark.
    pub(crate) fn skip_quietly(&mut self) -> Result<(), EdxmlError> {
        let depth = self.path.len();
        let mut text = String::new();
        loop {
            match self.step(&mut text)? {
                Step::Open(_) => text.clear(),
                Step::Close => {
                    self.look_for_marks(&text);
                    text.clear();
                    let done = self.path.len() == depth;
                    self.leave()?;
                    if done {
                        return Ok(());
                    }
                }
                Step::End => return Err(self.fail(Fault::Cut)),
            }
        }
    }

    /// Reads what follows the root element, and gives what was gathered on the way: length, SHA-256,
    /// oddities, secrecy marks.
    pub(crate) fn finish(mut self) -> Result<(u64, [u8; 32], Notes, Vec<Marked>), EdxmlError> {
        let mut text = String::new();
        let after = |fault: Fault, at: u64| fault.at("(after the root element)", at);
        match self.step(&mut text).map_err(|e| after(e.fault, e.offset))? {
            Step::End if is_blank(&text) => {
                let size = self.offset();
                Ok((size, self.reader.into_inner().finish(), self.notes, self.marks))
            }
            Step::End | Step::Close => {
                Err(after(Fault::StrayText(quoted(text.trim())), self.offset()))
            }
            Step::Open(name) => Err(after(Fault::StrayElement(quoted(&name.local)), self.offset())),
        }
    }

    fn offset(&self) -> u64 {
        self.reader.get_ref().read_bytes()
    }

    /// Closes the element that [`Step::Close`] told of.
    pub(super) fn leave(&mut self) -> Result<(), EdxmlError> {
        self.empty = false;
        self.spaces.pop();
        self.path.pop();
        Ok(())
    }

    fn look_for_marks(&mut self, text: &str) {
        let name = self.path.last().map(|f| f.name.as_str()).unwrap_or_default();
        if let Some(mark) = secrecy::mark_in(name, text.trim())
            && self.marks.len() < self.limits.notes_max
        {
            self.marks.push(Marked { place: self.place(), mark });
        }
    }

    /// Goes on until an element begins or ends; character data on the way is added to `text`.
    fn step(&mut self, text: &mut String) -> Result<Step, EdxmlError> {
        if self.empty {
            return Ok(Step::Close);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let step = loop {
            buffer.clear();
            self.reader.get_mut().grant(self.limits.event_bytes_max);
            let event = self.reader.read_event_into(&mut buffer).map_err(|e| self.broken(e))?;
            let first = !std::mem::replace(&mut self.begun, true);
            match event {
                Event::Start(tag) => break Step::Open(self.open(&tag)?),
                Event::Empty(tag) => {
                    let name = self.open(&tag)?;
                    self.empty = true;
                    break Step::Open(name);
                }
                Event::End(_) => break Step::Close,
                Event::Eof if self.path.is_empty() => break Step::End,
                Event::Eof => return Err(self.fail(Fault::Cut)),
                Event::Text(data) => {
                    let data = data.xml10_content();
                    if data.contains("]]>") {
                        return Err(self.fail(Fault::NotWellFormed("]]> in a text".to_owned())));
                    }
                    self.add(text, &data)?;
                }
                Event::CData(data) => self.add(text, &data.xml10_content())?,
                Event::GeneralRef(name) => self.reference(text, &name)?,
                Event::Comment(data) => self.aside(&data)?,
                Event::PI(data) if data.target().eq_ignore_ascii_case("xml") => {
                    return Err(self.fail(misplaced()));
                }
                Event::PI(data) => self.aside(&data)?,
                Event::Decl(decl) if first => declaration(&decl).map_err(|f| self.fail(f))?,
                Event::Decl(_) => return Err(self.fail(misplaced())),
                Event::DocType(_) => return Err(self.fail(Fault::Dtd)),
            }
        };
        self.buffer = buffer;
        Ok(step)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<Name, EdxmlError> {
        self.elements += 1;
        if self.elements > self.limits.elements_max {
            return Err(self.fail(Fault::large("elements_max", self.limits.elements_max)));
        }
        if self.path.len() >= self.limits.depth_max {
            return Err(self.fail(Fault::large("depth_max", self.limits.depth_max)));
        }
        let qualified = tag.name();
        let local = match qualified.local_name().as_ref() {
            "" => "(no name)".to_owned(),
            local => quoted(local),
        };
        let nth = match self.path.last_mut() {
            Some(parent) if parent.child == local => {
                parent.child_nth += 1;
                parent.child_nth
            }
            Some(parent) => {
                (parent.child, parent.child_nth) = (local.clone(), 1);
                1
            }
            None => 1,
        };
        self.path.push(Frame { name: local, nth, child: String::new(), child_nth: 0 });
        let opened = tag::open(tag, &mut self.spaces, &self.limits);
        let (name, attributes) = opened.map_err(|fault| self.fail(fault))?;
        self.attributes = attributes;
        if name.space == Space::None && !self.notes.has(&Odd::NoNamespace) {
            self.remark(Odd::NoNamespace);
        }
        Ok(name)
    }

    fn add(&mut self, text: &mut String, data: &str) -> Result<(), EdxmlError> {
        if let Some(c) = first_forbidden(data) {
            return Err(self.fail(Fault::Character(c)));
        }
        self.texts += data.len();
        if text.len() + data.len() > self.limits.text_bytes_max {
            return Err(self.fail(Fault::large("text_bytes_max", self.limits.text_bytes_max)));
        }
        if self.texts > self.limits.texts_bytes_max {
            return Err(self.fail(Fault::large("texts_bytes_max", self.limits.texts_bytes_max)));
        }
        text.push_str(data);
        Ok(())
    }

    fn reference(&mut self, text: &mut String, name: &BytesRef<'_>) -> Result<(), EdxmlError> {
        let c = resolved(name).map_err(|fault| self.fail(fault))?;
        self.add(text, c.encode_utf8(&mut [0; 4]))
    }

    pub(super) fn aside(&mut self, text: &str) -> Result<(), EdxmlError> {
        self.asides += 1;
        if self.asides > self.limits.asides_max {
            return Err(self.fail(Fault::large("asides_max", self.limits.asides_max)));
        }
        first_forbidden(text).map_or(Ok(()), |c| Err(self.fail(Fault::Character(c))))
    }

    /// What an error of the parser, or of the input behind it, comes to.
    pub(super) fn broken(&self, error: quick_xml::Error) -> EdxmlError {
        use quick_xml::Error as E;
        let fault = match (self.reader.get_ref().stopped(), error) {
            (Some(Stop::File), _) => Fault::large("file_bytes_max", self.limits.file_bytes_max),
            (Some(Stop::Piece), _) => Fault::large("event_bytes_max", self.limits.event_bytes_max),
            (None, E::Io(e)) => Fault::Input(shown(e)),
            (None, E::Encoding(_)) => Fault::NotUtf8,
            (None, E::Namespace(e)) => Fault::Namespace(shown(e)),
            (None, e) => Fault::NotWellFormed(shown(e)),
        };
        self.fail(fault)
    }
}

fn misplaced() -> Fault {
    Fault::NotWellFormed("an XML declaration that is not at the beginning".to_owned())
}
