//! One conversation: what was said so far, and what may follow.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Office,
    address::Recipient,
    command::{Command, Wrong},
    wire::{Gone, Line, Read, Wire},
};
use crate::webhooks::{Letter, Returned};

/// Recipients of one mail.
const MAX_RECIPIENTS: usize = 100;
/// Mistakes, unknown recipients among them, after which a client is told to leave.
const MAX_MISTAKES: u32 = 20;

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next command.
    Command,
    /// The mail itself.
    Mail,
    /// The end.
    End,
}

/// An answer, and what follows it.
struct Answer(String, Next);

impl Answer {
    fn good(words: impl Into<String>) -> Self {
        Self(words.into(), Next::Command)
    }
}

/// A mail that was begun.
struct Envelope {
    sender: String,
    /// How many bytes it is to have, if the client says so.
    announced: u64,
    recipients: Vec<Recipient>,
}

/// One conversation.
pub(super) struct Session<'a, S> {
    office: &'a Office,
    wire: Wire<S>,
    greeted: bool,
    envelope: Option<Envelope>,
    mistakes: u32,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(super) fn new(office: &'a Office, wire: Wire<S>) -> Self {
        Self { office, wire, greeted: false, envelope: None, mistakes: 0 }
    }

    /// Speaks with the client until it leaves, or must; at once, if there is no seat.
    pub(super) async fn run(mut self, seated: bool) -> Result<(), Gone> {
        let domain = &self.office.rules.domain;
        let outcome = if seated {
            self.converse().await
        } else {
            self.wire.say(&format!("421 4.3.2 {domain} has no free seat; come back later")).await
        };
        let farewell = match outcome {
            Err(Gone::Silent) => Some(format!("421 4.4.2 {domain} has waited long enough")),
            Err(Gone::Stopping) => Some(format!("421 4.3.2 {domain} is shutting down; come back later")),
            Ok(()) | Err(Gone::Left) => None,
        };
        if let Some(farewell) = farewell {
            // Whoever is silent may not listen, either.
            let _ = self.wire.say(&farewell).await;
        }
        self.wire.close().await;
        outcome
    }

    async fn converse(&mut self) -> Result<(), Gone> {
        let domain = &self.office.rules.domain;
        self.wire.say(&format!("220 {domain} ESMTP Midwatch takes alerts")).await?;
        loop {
            let Answer(words, next) = match self.wire.line().await? {
                Line::Whole(line) => self.answer(&line).await,
                Line::TooLong => self.mistake("500 5.5.2 the line is too long"),
                Line::Bare => {
                    Answer("521 5.5.2 lines end in CR LF, and in nothing else".to_owned(), Next::End)
                }
            };
            self.wire.say(&words).await?;
            match next {
                Next::Command => {}
                Next::Mail => {
                    let mail = self.wire.mail(self.office.rules.max_bytes).await?;
                    let Answer(words, next) = self.take(mail).await;
                    self.wire.say(&words).await?;
                    if next == Next::End {
                        return Ok(());
                    }
                }
                Next::End => return Ok(()),
            }
        }
    }

    async fn answer(&mut self, line: &[u8]) -> Answer {
        match Command::read(line) {
            Ok(Command::Hello { extended }) => {
                (self.greeted, self.envelope) = (true, None);
                Answer::good(self.hello(extended))
            }
            Ok(Command::Mail { sender, bytes }) => self.begin(sender, bytes),
            Ok(Command::Recipient { address }) => self.recipient(address).await,
            Ok(Command::Data) => match &self.envelope {
                Some(envelope) if !envelope.recipients.is_empty() => {
                    Answer("354 the mail, and then a line with a dot".to_owned(), Next::Mail)
                }
                Some(_) => self.mistake("554 5.5.1 no recipient was accepted"),
                None => self.mistake("503 5.5.1 MAIL and RCPT come first"),
            },
            Ok(Command::Reset) => {
                self.envelope = None;
                Answer::good("250 2.0.0 forgotten")
            }
            Ok(Command::Nothing) => Answer::good("250 2.0.0 fine"),
            Ok(Command::Verify) => Answer::good("252 2.1.5 send a mail, and it will be seen"),
            Ok(Command::Quit) => {
                Answer(format!("221 2.0.0 {} says goodbye", self.office.rules.domain), Next::End)
            }
            Err(Wrong::Unknown) => self.mistake("500 5.5.1 there is no such command"),
            Err(Wrong::NotOffered) => self.mistake("502 5.5.1 this is not offered"),
            Err(Wrong::Syntax) => self.mistake("501 5.5.2 this is not how it is written"),
            Err(Wrong::Parameter) => self.mistake("555 5.5.4 this parameter is not offered"),
        }
    }

    fn hello(&self, extended: bool) -> String {
        let super::Rules { domain, max_bytes } = &self.office.rules;
        if !extended {
            return format!("250 {domain}");
        }
        format!(
            "250-{domain}\r\n250-PIPELINING\r\n250-SIZE {max_bytes}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES"
        )
    }

    fn begin(&mut self, sender: &str, bytes: Option<u64>) -> Answer {
        if !self.greeted {
            return self.mistake("503 5.5.1 EHLO or HELO comes first");
        }
        if self.envelope.is_some() {
            return self.mistake("503 5.5.1 a mail was begun already");
        }
        let announced = bytes.unwrap_or(0);
        self.envelope = Some(Envelope { sender: sender.to_owned(), announced, recipients: vec![] });
        Answer::good("250 2.1.0 go on")
    }

    async fn recipient(&mut self, address: &str) -> Answer {
        let office = self.office;
        let Some(envelope) = &mut self.envelope else {
            return self.mistake("503 5.5.1 MAIL comes first");
        };
        let Some(recipient) = Recipient::of(address, &office.rules.domain) else {
            return self.mistake("550 5.7.1 this is no relay: there is mail for its own domain only");
        };
        if !office.post.knows(&recipient.key) {
            return self.mistake("550 5.1.1 nobody has this address");
        }
        if envelope.announced > office.rules.max_bytes as u64 {
            // Nothing of the mail came yet, but that somebody tried to send it should be seen.
            let letter = Letter {
                key: &recipient.key,
                part: recipient.part.as_deref(),
                sender: &envelope.sender,
                message: b"",
                whole_bytes: Some(envelope.announced),
            };
            let words = refusal(office, address, office.post.deliver(letter).await.err());
            return self.mistake(&words);
        }
        if envelope.recipients.contains(&recipient) {
            return Answer::good("250 2.1.5 once is enough");
        }
        if envelope.recipients.len() == MAX_RECIPIENTS {
            return Answer::good("452 4.5.3 too many recipients; send the rest later");
        }
        envelope.recipients.push(recipient);
        Answer::good("250 2.1.5 go on")
    }

    /// Delivers a mail to each of its recipients, one after the other.
    async fn take(&mut self, mail: Read) -> Answer {
        let Some(Envelope { sender, recipients, .. }) = self.envelope.take() else {
            return self.mistake("503 5.5.1 MAIL and RCPT come first");
        };
        if mail.bare {
            tracing::warn!(%sender, "a mail was refused: it has lines that do not end in CR LF");
            return Answer("554 5.6.0 lines end in CR LF, and in nothing else".to_owned(), Next::End);
        }
        let whole_bytes = (mail.size > mail.bytes.len() as u64).then_some(mail.size);
        let (mut kept, mut failed) = (vec![], vec![]);
        for recipient in &recipients {
            let Recipient { key, part } = recipient;
            let letter =
                Letter { key, part: part.as_deref(), sender: &sender, message: &mail.bytes, whole_bytes };
            match self.office.post.deliver(letter).await {
                Ok(delivery) => kept.push(delivery),
                Err(why) => failed.push((key, why)),
            }
        }
        // Those that are kept already are known again when the whole comes once more.
        let later = failed.iter().position(|(_, why)| *why == Returned::Later);
        let first = failed.into_iter().nth(later.unwrap_or(0));
        let next = if mail.endless { Next::End } else { Next::Command };
        match (first, kept.first()) {
            (Some((key, why)), _) => Answer(refusal(self.office, key, Some(why)), next),
            (None, Some(one)) if kept.len() == 1 => Answer(format!("250 2.0.0 stored as {one}"), next),
            (None, Some(one)) => {
                Answer(format!("250 2.0.0 stored as {one} and {} more", kept.len() - 1), next)
            }
            (None, None) => self.mistake("554 5.5.1 no recipient was accepted"),
        }
    }

    fn mistake(&mut self, words: &str) -> Answer {
        self.mistakes += 1;
        if self.mistakes > MAX_MISTAKES {
            return Answer("421 4.7.0 too many mistakes".to_owned(), Next::End);
        }
        Answer::good(words)
    }
}

/// Why a mail for one of our addresses is not accepted.
fn refusal(office: &Office, address: &str, why: Option<Returned>) -> String {
    match why {
        Some(Returned::NoEntrance) => "550 5.1.1 nobody has this address".to_owned(),
        Some(Returned::Unproven(why)) => format!("550 5.7.1 {}: {}", shown(address), shown(&why)),
        Some(Returned::Later) => "451 4.3.0 the mail could not be stored; send it again".to_owned(),
        Some(Returned::TooLarge) | None => {
            format!("552 5.3.4 a mail has at most {} bytes", office.rules.max_bytes)
        }
    }
}

/// Words of a stranger, fit for a line of SMTP.
fn shown(words: &str) -> String {
    words.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(250).collect()
}
