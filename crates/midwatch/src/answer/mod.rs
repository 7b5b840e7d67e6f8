//! `midwatch schedule answer`: questions about schedules from standard input, answered without a server.
//!
//! A line holds a schedule and a question; a line with the answer, or with what is wrong, follows.

mod node;
mod question;
mod reply;
mod schedule;

use std::io::{self, BufRead, ErrorKind, Write};

use domain::{
    Invalid,
    schedule::{Timetable, Zones},
};
use serde_json::{Value, json};

use self::{
    node::{Names, Node},
    question::Asked,
    schedule::Definition,
};

/// The longest line that is read.
const MAX_LINE: u64 = 4 << 20;

/// Answers line by line until there are no more.
pub fn answer(input: &mut impl BufRead, out: &mut dyn Write, zones: &dyn Zones) -> io::Result<()> {
    loop {
        let mut line = vec![];
        let read = io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let whole = line.last() == Some(&b'\n') || (read as u64) < MAX_LINE;
        if whole && line.trim_ascii().is_empty() {
            continue;
        }
        let reply = if whole {
            answer_line(&line, zones)
        } else {
            skip_line(input)?;
            json!({ "id": null, "error": format!("the line must have at most {MAX_LINE} bytes") })
        };
        // Whoever waits for this answer before asking on must get it now.
        let written = writeln!(out, "{reply}").and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}

/// Answers one line of JSON with one object.
pub fn answer_line(line: &[u8], zones: &dyn Zones) -> Value {
    let asked: Value = match serde_json::from_slice(line) {
        Ok(asked) => asked,
        Err(why) => {
            return json!({ "id": null, "error": format!("the line must be one object of JSON: {why}") });
        }
    };
    let id = asked.get("id").cloned().unwrap_or(Value::Null);
    match answer_to(&asked, zones) {
        Ok(answer) => json!({ "id": id, "answer": answer }),
        Err(Invalid { field, rule }) => json!({ "id": id, "error": format!("{} {rule}", snake(&field)) }),
    }
}

fn answer_to(asked: &Value, zones: &dyn Zones) -> Result<Value, Invalid> {
    let names = Names::of(asked);
    let root = Node::root(asked);
    let mut definition = Definition::read(&root.at("schedule"), &names)?;
    let asked = Asked::read(&root.at("query"), &names)?;
    let first_slot = asked.edit.map(|edit| definition.edit(edit, zones)).transpose()?;
    let timetable = Timetable::new(&definition.versions, definition.adjustments, None, zones)
        .map_err(|why| Invalid::new(format!("schedule.{}", why.field), why.rule))?;
    let mut answer = reply::to(&timetable, asked.question, &names)?;
    if let Some(first_slot) = first_slot {
        answer["first_slot"] = first_slot.into();
    }
    Ok(answer)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Fields as this format writes them: `rotation_start`, not `rotationStart`.
fn snake(field: &str) -> String {
    field.chars().fold(String::with_capacity(field.len() + 4), |mut text, char| {
        if char.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(char.to_ascii_lowercase());
        text
    })
}
