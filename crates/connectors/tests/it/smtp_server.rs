//! A mail relay that answers as it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the relay does at one point of a conversation.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Sends this line.
    Say(&'static str),
    /// Closes the connection.
    HangUp,
    /// Never answers.
    Silence,
}

/// A running relay.
pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    script: HashMap<&'static str, VecDeque<Answer>>,
    connections: usize,
    commands: Vec<String>,
    mails: Vec<String>,
}

impl SmtpServer {
    /// Starts a relay that answers a verb as scripted, in order, and takes everything once the script is used up.
    /// `CONNECT` stands for the greeting, `CONTENT` for the end of a mail, `HALF` for its first line.
    pub(crate) async fn start(script: &[(&'static str, Answer)]) -> Self {
        let mut seen = Seen::default();
        for &(verb, answer) in script {
            seen.script.entry(verb).or_default().push_back(answer);
        }
        let seen = Arc::new(Mutex::new(seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(accept(listener, Arc::clone(&seen)));
        Self { port, seen }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().expect("no panic").connections
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").commands.clone()
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").mails.clone()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Mutex<Seen>>) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.lock().expect("no panic").connections += 1;
        tokio::spawn(converse(stream, Arc::clone(&seen)));
    }
}

/// Holds one conversation. `None` ends it.
async fn converse(stream: TcpStream, seen: Arc<Mutex<Seen>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    answer(&mut stream, &seen, "CONNECT", "220 relay.example.org").await?;
    loop {
        let line = read(&mut stream).await?;
        seen.lock().expect("no panic").commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => answer(&mut stream, &seen, "EHLO", "250-relay.example.org\r\n250 8BITMIME").await?,
            "MAIL" => answer(&mut stream, &seen, "MAIL", "250 2.1.0 ok").await?,
            "RCPT" => answer(&mut stream, &seen, "RCPT", "250 2.1.5 ok").await?,
            "RSET" => answer(&mut stream, &seen, "RSET", "250 2.0.0 ok").await?,
            "DATA" => {
                answer(&mut stream, &seen, "DATA", "354 go on").await?;
                let mut mail = read(&mut stream).await? + "\r\n";
                answer(&mut stream, &seen, "HALF", "").await?;
                loop {
                    let line = read(&mut stream).await?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.push_str("\r\n");
                }
                seen.lock().expect("no panic").mails.push(mail);
                answer(&mut stream, &seen, "CONTENT", "250 2.0.0 queued as 4F2A").await?;
            }
            _ => answer(&mut stream, &seen, "QUIT", "221 bye").await?,
        }
    }
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    seen: &Mutex<Seen>,
    verb: &'static str,
    usual: &'static str,
) -> Option<()> {
    let scripted = seen.lock().expect("no panic").script.get_mut(verb).and_then(VecDeque::pop_front);
    match scripted.unwrap_or(Answer::Say(usual)) {
        Answer::Say("") => Some(()),
        Answer::Say(line) => stream.write_all(format!("{line}\r\n").as_bytes()).await.ok(),
        Answer::HangUp => None,
        Answer::Silence => {
            // Held open until the other side leaves.
            while read(stream).await.is_some() {}
            None
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
