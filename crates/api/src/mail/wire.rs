//! Lines and mails on the wire. Only CR LF ends a line, and only CR LF `.` CR LF ends a mail. A client that thinks
//! otherwise, or that speaks for somebody who hopes so, is told: what one server takes for the end of a mail and
//! another for a part of it smuggles mail (CVE-2023-51764 and its kin).

use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Bytes in a command; RFC 5321 has 512, and extensions add to it.
const MAX_LINE: usize = 2048;
/// What a client that goes over the limit may still say before it is hung up on: it reads our answer only after it has
/// sent everything.
const MAX_DRAINED: u64 = 64 * 1024 * 1024;

/// Why there is nothing more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// The client left.
    Left,
    /// It said nothing for too long, or stayed for too long.
    Silent,
    /// This process is to end.
    Stopping,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes, without its end.
    Whole(Vec<u8>),
    /// It is too long, and was read to its end.
    TooLong,
    /// It has a CR or an LF that stands alone.
    Bare,
}

/// One mail, without the dots that were put before those at the begin of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Its bytes, or the first of them.
    pub(super) bytes: Vec<u8>,
    /// How many it has.
    pub(super) size: u64,
    /// Whether there is a CR or an LF in it that stands alone.
    pub(super) bare: bool,
    /// Whether it was given up before its end.
    pub(super) endless: bool,
}

/// A connection.
pub(super) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
    stop: CancellationToken,
    patience: Duration,
    end: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection that may be silent for `patience`, and take as long as `whole`.
    pub(super) fn new(stream: S, stop: CancellationToken, patience: Duration, whole: Duration) -> Self {
        let end = Instant::now() + whole;
        Self { stream, buffer: BytesMut::with_capacity(4096), stop, patience, end }
    }

    /// Says something, with the end of its last line.
    pub(super) async fn say(&mut self, words: &str) -> Result<(), Gone> {
        let by = Instant::now() + self.patience;
        let words = format!("{words}\r\n");
        let said = async {
            self.stream.write_all(words.as_bytes()).await?;
            self.stream.flush().await
        };
        match timeout_at(by, said).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone::Left),
            Err(_) => Err(Gone::Silent),
        }
    }

    /// Hangs up. What the client still says is read no more.
    pub(super) async fn close(mut self) {
        // It may have hung up first.
        let _ = self.stream.shutdown().await;
    }

    /// The next line.
    pub(super) async fn line(&mut self) -> Result<Line, Gone> {
        let (mut line, mut long, mut returned) = (Vec::new(), false, false);
        loop {
            match (self.byte().await?, returned) {
                (b'\n', true) if long => return Ok(Line::TooLong),
                (b'\n', true) => return Ok(Line::Whole(line)),
                (b'\n', false) | (_, true) => return Ok(Line::Bare),
                (b'\r', false) => returned = true,
                (_, false) if line.len() == MAX_LINE => long = true,
                (byte, false) => line.push(byte),
            }
        }
    }

    /// The next mail, of which the first `limit` bytes are kept.
    pub(super) async fn mail(&mut self, limit: usize) -> Result<Read, Gone> {
        let mut mail = Unstuffing::new(limit);
        while !mail.ended {
            if mail.read.size > MAX_DRAINED + limit as u64 {
                mail.read.endless = true;
                break;
            }
            let byte = self.byte().await?;
            mail.take(byte);
        }
        Ok(mail.read)
    }

    async fn byte(&mut self) -> Result<u8, Gone> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        Ok(self.buffer.get_u8())
    }

    async fn fill(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        // A timeout asks whether there is something to read before it looks at the clock.
        if now >= self.end {
            return Err(Gone::Silent);
        }
        let by = self.end.min(now + self.patience);
        self.buffer.reserve(4096);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Gone::Stopping),
            read = timeout_at(by, self.stream.read_buf(&mut self.buffer)) => match read {
                Ok(Ok(0) | Err(_)) => Err(Gone::Left),
                Ok(Ok(_)) => Ok(()),
                Err(_) => Err(Gone::Silent),
            },
        }
    }
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy)]
enum Place {
    /// At its begin.
    Begin,
    /// After a dot at its begin.
    Dot,
    /// After a dot at its begin and a CR.
    DotReturn,
    /// Somewhere else.
    Middle,
    /// After a CR.
    Return,
}

/// Reads a mail byte by byte.
struct Unstuffing {
    read: Read,
    limit: usize,
    place: Place,
    ended: bool,
}

impl Unstuffing {
    fn new(limit: usize) -> Self {
        Self { read: Read::default(), limit, place: Place::Begin, ended: false }
    }

    fn take(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::DotReturn, b'\n') => {
                self.ended = true;
                Place::Begin
            }
            (Place::Return, b'\n') => {
                self.keep(b"\r\n");
                Place::Begin
            }
            // The CR before stands alone.
            (Place::Return | Place::DotReturn, _) => {
                self.read.bare = true;
                self.keep(b"\r");
                self.middle(byte)
            }
            (Place::Begin, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotReturn,
            (Place::Begin | Place::Dot | Place::Middle, _) => self.middle(byte),
        };
    }

    fn middle(&mut self, byte: u8) -> Place {
        if byte == b'\r' {
            return Place::Return;
        }
        // An LF that stands alone does not begin a line.
        self.read.bare |= byte == b'\n';
        self.keep(&[byte]);
        Place::Middle
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.read.size += bytes.len() as u64;
        let room = self.limit - self.read.bytes.len();
        self.read.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a mail; none if its end does not come.
    fn mail(bytes: &[u8]) -> Option<(String, bool)> {
        let mut mail = Unstuffing::new(1000);
        for (index, byte) in bytes.iter().enumerate() {
            mail.take(*byte);
            if mail.ended {
                assert_eq!(index + 1, bytes.len(), "it ends before its end");
                return Some((String::from_utf8_lossy(&mail.read.bytes).into_owned(), mail.read.bare));
            }
        }
        None
    }

    #[test]
    fn dots_that_were_added_are_taken_away() {
        let good = |text: &str| Some((text.to_owned(), false));
        assert_eq!(mail(b".\r\n"), good(""));
        assert_eq!(mail(b"a\r\n.\r\n"), good("a\r\n"));
        assert_eq!(mail(b"..\r\n...b\r\n.c\r\n.\r\n"), good(".\r\n..b\r\nc\r\n"));
        assert_eq!(mail(b"a.\r\nb . c\r\n.\r\n"), good("a.\r\nb . c\r\n"));
    }

    #[test]
    fn only_one_end_of_mail_is_one() {
        for end in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\n.\r",
            "\r\n.\r\r\n",
            "\r\r\n.\r \n",
        ] {
            let said = format!("a{end}MAIL FROM:<x>\r\nb");
            assert_eq!(mail(said.as_bytes()), None, "{end:?} ends nothing");
            let (_, bare) = mail(format!("{said}\r\n.\r\n").as_bytes()).expect("it ends");
            assert!(bare, "{end:?}");
        }
    }

    #[test]
    fn of_a_mail_over_the_limit_the_head_is_kept() {
        let mut mail = Unstuffing::new(5);
        b"12345678\r\n.\r\n".iter().for_each(|byte| mail.take(*byte));
        assert_eq!((mail.read.bytes.as_slice(), mail.read.size, mail.ended), (&b"12345"[..], 10, true));
    }

    proptest! {
        #[test]
        fn what_a_client_stuffs_is_what_it_sent(lines in prop::collection::vec("[.a\u{e9} ]{0,6}", 0..8)) {
            let text = lines.iter().fold(String::new(), |text, line| text + line + "\r\n");
            let stuffed = |line: &String| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") };
            let sent: String = lines.iter().map(stuffed).collect::<String>() + ".\r\n";
            prop_assert_eq!(mail(sent.as_bytes()), Some((text, false)));
        }
    }
}
