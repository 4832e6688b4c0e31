//! The independent verifier as one process that answers questions (`tests/independent/serve.py`).

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use ciborium::Value;
use serde_json::Value as Json;

use crate::written;

/// Questions under way at a time. The channel to the writer holds more, so that asking never waits for
/// an answer that nobody reads.
const AHEAD: usize = 32;

/// The process, and what was asked of it.
pub(super) struct Python<T> {
    child: Child,
    questions: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    answers: ChildStdout,
    waiting: VecDeque<T>,
}

impl<T> Python<T> {
    /// Starts it with the `python3` of the path, which must have cbor2 and cryptography.
    pub(super) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("independent");
        let mut child = Command::new("python3")
            .arg(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut sink = child.stdin.take().expect("a pipe");
        let (questions, incoming) = sync_channel::<Vec<u8>>(2 * AHEAD);
        let writer = std::thread::spawn(move || {
            for question in incoming {
                let length = u32::try_from(question.len()).expect("a short question");
                sink.write_all(&length.to_be_bytes()).expect("python3 reads");
                sink.write_all(&question).expect("python3 reads");
                sink.flush().expect("python3 reads");
            }
        });
        let answers = child.stdout.take().expect("a pipe");
        let (questions, writer) = (Some(questions), Some(writer));
        Python { child, questions, writer, answers, waiting: VecDeque::new() }
    }

    /// Asks; what goes with the question comes back with the answer, and `take` gets those that are due.
    pub(super) fn ask(&mut self, question: Vec<Value>, with: T, take: &mut impl FnMut(T, Json)) {
        let questions = self.questions.as_ref().expect("not ended");
        questions.send(written(&Value::Array(question))).expect("the writer runs");
        self.waiting.push_back(with);
        while self.waiting.len() > AHEAD {
            self.take_one(take);
        }
    }

    /// Takes the answers that are left and lets the process end.
    pub(super) fn end(mut self, take: &mut impl FnMut(T, Json)) {
        while !self.waiting.is_empty() {
            self.take_one(take);
        }
        drop(self.questions.take());
        self.writer.take().expect("not ended").join().expect("the writer ends");
        assert!(self.child.wait().expect("it ends").success());
    }

    fn take_one(&mut self, take: &mut impl FnMut(T, Json)) {
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).expect("python3 answers");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer).expect("python3 answers");
        let answer = serde_json::from_slice(&answer).expect("JSON");
        take(self.waiting.pop_front().expect("something was asked"), answer);
    }
}

impl<T> Drop for Python<T> {
    fn drop(&mut self) {
        // A failed assertion leaves it running otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A question's parts.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
