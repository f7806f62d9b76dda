//! Asking the node's resolvers: the request's bytes go out unchanged but for the id, and so does the answer.

use crate::message::Way;
use crate::resolv_conf::ResolvConf;
use crate::{Error, Result};
use rand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long one resolver has. Askers give up after five seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions under way at once; a loop of resolvers ends here.
const UNDER_WAY: usize = 512;
/// Longest UDP answer.
const UDP_ANSWER: usize = 4096;

/// The way to the node's resolvers.
#[derive(Debug)]
pub(crate) struct Forwarder {
    resolvers: Mutex<ResolvConf>,
    under_way: Semaphore,
}

impl Forwarder {
    pub(crate) fn new(resolv_conf: PathBuf, own: Vec<SocketAddr>) -> Self {
        Self {
            resolvers: Mutex::new(ResolvConf::new(resolv_conf, own)),
            under_way: Semaphore::new(UNDER_WAY),
        }
    }

    /// Asks one resolver after the other until one answers.
    pub(crate) async fn ask(&self, request: &[u8], way: Way) -> Result<Vec<u8>> {
        let _permit =
            self.under_way.try_acquire().map_err(|_| Error::Unanswered("too many questions".into()))?;
        let resolvers =
            self.resolvers.lock().unwrap_or_else(PoisonError::into_inner).resolvers(Instant::now());
        let mut last = Error::NoResolver;
        for resolver in resolvers {
            let attempt = async {
                match way {
                    Way::Udp => ask_udp(resolver, request).await,
                    Way::Tcp => ask_tcp(resolver, request).await,
                }
            };
            last = match timeout(PATIENCE, attempt).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => Error::Unanswered(format!("{resolver}: {error}")),
                Err(_) => Error::Unanswered(format!("{resolver}: timeout")),
            };
        }
        Err(last)
    }
}

async fn ask_udp(resolver: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr =
        if resolver.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // A port and an id of its own for each question make answers hard to forge.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    let (request, id) = with_new_id(request);
    socket.send(&request).await?;
    let mut buffer = vec![0; UDP_ANSWER];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if is_answer(&buffer[..length], &request) {
            buffer.truncate(length);
            buffer[..2].copy_from_slice(&id);
            return Ok(buffer);
        }
    }
}

async fn ask_tcp(resolver: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let (request, id) = with_new_id(request);
    let length = u16::try_from(request.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[length.to_be_bytes().as_slice(), &request].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    if !is_answer(&answer, &request) {
        return Err(std::io::Error::other("the answer is not to the question"));
    }
    answer[..2].copy_from_slice(&id);
    Ok(answer)
}

/// The request with another id, and the id that it had.
fn with_new_id(request: &[u8]) -> (Vec<u8>, [u8; 2]) {
    let mut changed = request.to_vec();
    let id = [changed[0], changed[1]];
    changed[..2].copy_from_slice(&rand::rng().random::<[u8; 2]>());
    (changed, id)
}

/// Whether an answer has the request's id and question.
fn is_answer(answer: &[u8], request: &[u8]) -> bool {
    let question = |bytes: &[u8]| -> Option<Vec<u8>> {
        let mut end = 12;
        while *bytes.get(end)? != 0 {
            end += usize::from(bytes[end]) + 1;
        }
        bytes.get(12..end + 5).map(<[u8]>::to_ascii_lowercase)
    };
    let is_response = answer.get(2).is_some_and(|flags| flags & 0x80 != 0);
    // A resolver that cannot read the request repeats no question.
    let same_question = question(answer) == question(request) || answer.len() == 12;
    is_response && answer[..2] == request[..2] && same_question
}
