//! Servers and clients that talk across namespaces of a test.

use crate::netns::NetworkNamespace;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// How long a client waits.
const LIMIT: Duration = Duration::from_secs(2);

/// Answers TCP connections and UDP packets on a port with `NAME ADDRESS`: its own name and the asker's address. It lives
/// as long as the test's process.
///
/// # Panics
/// If the port is taken.
pub fn serve(namespace: &NetworkNamespace, port: u16, name: &'static str) {
    namespace.run(move || {
        let tcp = TcpListener::bind(("::", port)).expect("the port is free");
        let udp = UdpSocket::bind(("::", port)).expect("the port is free");
        let answer = move |from: SocketAddr| format!("{name} {}", from.ip().to_canonical());
        std::thread::spawn(move || {
            while let Ok((mut stream, from)) = tcp.accept() {
                let _ = stream.write_all(answer(from).as_bytes());
            }
        });
        std::thread::spawn(move || {
            let mut buffer = [0; 16];
            while let Ok((_, from)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(answer(from).as_bytes(), from);
            }
        });
    });
}

/// Connects by TCP and returns the answer, or why there is none.
///
/// # Errors
/// The error's text.
///
/// # Panics
/// If `to` is no socket address.
pub fn ask(from: &NetworkNamespace, to: &str) -> Result<String, String> {
    let to: SocketAddr = to.parse().expect("an address and a port");
    from.run(move || {
        let mut stream = TcpStream::connect_timeout(&to, LIMIT).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(LIMIT)).map_err(|e| e.to_string())?;
        let mut text = String::new();
        stream.read_to_string(&mut text).map_err(|e| e.to_string())?;
        Ok(text)
    })
}

/// Sends a UDP packet from a socket and returns the answer, or why there is none.
///
/// # Errors
/// The error's text.
pub fn ask_udp(socket: &UdpSocket) -> Result<String, String> {
    socket.set_read_timeout(Some(LIMIT)).map_err(|e| e.to_string())?;
    socket.send(b"?").map_err(|e| e.to_string())?;
    let mut buffer = [0; 128];
    let length = socket.recv(&mut buffer).map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
