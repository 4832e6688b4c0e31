//! Steps in words, for traces.

use std::fmt;

use super::{Act, Step, Ways, What};
use crate::land::land;
use crate::node::{Lie, Moment};

fn node(place: usize) -> &'static str {
    land().places[place].id.as_str()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} ms: {}", self.at_ms, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Submit(order) => write!(f, "order {order} is handed in"),
            What::Clerks(p) => write!(f, "{}: clerks look into their mailboxes", node(*p)),
            What::Operate(p, pick, act) => {
                let word = match act {
                    Act::Hold => "hold",
                    Act::Release => "release",
                    Act::Retry => "retry",
                    Act::Drop => "drop",
                };
                write!(f, "{}: operator: {word} leg {pick}", node(*p))
            }
            What::Crash { place, moment, power, down_ms, nested } => {
                let what = if *power { "power off" } else { "process killed" };
                write!(f, "{}: {what} {moment}, back after {down_ms} ms", node(*place))?;
                match nested {
                    Some(n) => write!(f, "; and again {n} disk changes into recovery"),
                    None => Ok(()),
                }
            }
            What::Fail { place, op, nth, no_space, applied } => {
                let error = if *no_space { "ENOSPC" } else { "EIO" };
                let done = if *applied { "though done" } else { "and is not done" };
                write!(f, "{}: disk: {op} number {nth} fails with {error} {done}", node(*place))
            }
            What::Full(p, ms) => write!(f, "{}: disk full for {ms} ms", node(*p)),
            What::SlowDisk(p, commit, ms) => {
                write!(f, "{}: commits take {commit} ms for {ms} ms", node(*p))
            }
            What::Lie(p, lie) => write!(f, "{}: disk: {lie}", node(*p)),
            What::Rot(p, pick) => write!(f, "{}: bit rot ({pick})", node(*p)),
            What::RotTail(p, pick) => {
                write!(f, "{}: power off; a bit of the last batch turns ({pick})", node(*p))
            }
            What::LoseDisk(p) => write!(f, "{}: the disk is lost", node(*p)),
            What::Backup(p) => write!(f, "{}: backup", node(*p)),
            What::Restore { place, anchor_lost } => {
                let anchor = if *anchor_lost { ", anchor lost" } else { "" };
                write!(f, "{}: old backup restored{anchor}", node(*place))
            }
            What::Cut((a, b), ways, ms) => {
                let arrow = match ways {
                    Ways::Both => "-/-",
                    Ways::There => "-/>",
                    Ways::Back => "</-",
                };
                write!(f, "{} {arrow} {}: cut for {ms} ms", node(*a), node(*b))
            }
            What::Flap((a, b)) => write!(f, "{} - {}: sessions end", node(*a), node(*b)),
            What::Slow((a, b), extra, ms) => {
                write!(f, "{} - {}: {extra} ms slower for {ms} ms", node(*a), node(*b))
            }
            What::Clock(p, jump) => write!(f, "{}: clock jumps by {jump} ms", node(*p)),
            What::Move(version) => {
                write!(f, "directory {} comes into force", version + 1)
            }
            What::Replay(pick, false) => write!(f, "what went over a link goes again ({pick})"),
            What::Replay(pick, true) => write!(f, "what went over a link goes elsewhere ({pick})"),
            What::Forge(p) => write!(f, "{}: its next answer is forged on the way", node(*p)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Now => f.write_str("between two things"),
            Moment::InCommit(n) => write!(f, "{n} operations into a commit"),
            Moment::AfterCommit => f.write_str("after a commit, before anybody is told"),
        }
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lie::LoseWrite(n) => write!(f, "write number {n} is lost without an error"),
            Lie::Misdirect(n, by) => write!(f, "write number {n} lands {by} sectors further on"),
            Lie::FlipRead(n, _) => write!(f, "read number {n} gives a wrong bit"),
        }
    }
}
