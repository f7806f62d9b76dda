//! exec and attach.

use crate::request;
use crate::spdy_client::SpdyClient;
use crate::websocket_client::WebSocketClient;
use futures::FutureExt;
use skiff_streaming::SessionError;
use skiff_streaming::remote_command::{CommandStreams, Outcome, Process, negotiate};
use skiff_streaming::streams::TerminalSize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

const ALL: CommandStreams = CommandStreams { stdin: true, stdout: true, stderr: true, tty: false };
const SUCCESS: &str = r#"{"metadata":{},"status":"Success"}"#;

/// The other ends of a process's streams.
struct Container {
    stdin: Option<DuplexStream>,
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
    resize: mpsc::Receiver<TerminalSize>,
    exit: Option<oneshot::Sender<Outcome>>,
}

impl Container {
    fn start() -> (Process, Self) {
        let pipe = || tokio::io::duplex(1 << 10);
        let ((stdin, in_end), (stdout, out_end), (stderr, err_end)) = (pipe(), pipe(), pipe());
        let (sizes, resize) = mpsc::channel(4);
        let (exit, exited) = oneshot::channel();
        let process = Process {
            stdin: Some(Box::new(stdin)),
            stdout: Some(Box::new(stdout)),
            stderr: Some(Box::new(stderr)),
            resize: Some(sizes),
            outcome: exited.map(|outcome| outcome.unwrap()).boxed(),
        };
        let (stdin, stdout, stderr) = (Some(in_end), Some(out_end), Some(err_end));
        (process, Self { stdin, stdout, stderr, resize, exit: Some(exit) })
    }

    /// Ends the outputs and the process.
    fn exit(&mut self, code: i32) {
        self.stdout = None;
        self.stderr = None;
        self.exit.take().unwrap().send(Outcome::Exited(code)).unwrap();
    }

    /// Reads all input, then prints it, like `cat`.
    async fn cat(mut self, code: i32) {
        let mut input = Vec::new();
        self.stdin.take().unwrap().read_to_end(&mut input).await.unwrap();
        self.stdout.as_mut().unwrap().write_all(&input).await.unwrap();
        self.stderr.as_mut().unwrap().write_all(b"done\n").await.unwrap();
        self.exit(code);
    }
}

type Session = JoinHandle<Result<(), SessionError>>;

fn serve<const N: usize>(
    headers: [(&str, &str); N],
    streams: CommandStreams,
    process: Process,
) -> (DuplexStream, Session) {
    let upgrade = negotiate(&request("/exec/ns/pod/container", headers)).unwrap();
    assert_eq!(upgrade.response().status(), 101);
    let (client, server) = tokio::io::duplex(1 << 12);
    let session = tokio::spawn(async move { upgrade.accept(server, streams).await?.run(process).await });
    (client, session)
}

fn serve_spdy(protocol: &str, streams: CommandStreams, process: Process) -> (SpdyClient, Session) {
    let headers = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", protocol)];
    let (io, session) = serve(headers, streams, process);
    (SpdyClient::new(io), session)
}

async fn serve_websocket(
    protocol: &str,
    streams: CommandStreams,
    process: Process,
) -> (WebSocketClient, Session) {
    let headers = [
        ("upgrade", "websocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", protocol),
    ];
    let (io, session) = serve(headers, streams, process);
    (WebSocketClient::new(io).await, session)
}

#[tokio::test]
async fn a_command_over_spdy_gets_its_input_and_gives_its_output_and_exit_code() {
    let (process, container) = Container::start();
    tokio::spawn(container.cat(7));
    let (mut client, session) = serve_spdy("v4.channel.k8s.io", ALL, process);
    let error = client.open([("streamType", "error")]).await;
    let stdin = client.open([("streamType", "stdin")]).await;
    let stdout = client.open([("streamType", "stdout")]).await;
    let stderr = client.open([("streamType", "stderr")]).await;
    client.end(error).await;
    client.data(stdin, b"hello ").await;
    client.data(stdin, b"world").await;
    client.end(stdin).await;
    assert_eq!(client.until_ended(stdout).await, "hello world");
    assert_eq!(client.until_ended(stderr).await, "done\n");
    assert_eq!(
        client.until_ended(error).await,
        r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
    );
    client.until(|client| client.gone_away).await;
    assert_eq!(client.replies, [error, stdin, stdout, stderr]);
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn output_of_megabytes_arrives_whole_and_before_the_status() {
    let (process, mut container) = Container::start();
    let output = "0123456789abcdef".repeat(1 << 18);
    let expected = output.clone();
    tokio::spawn(async move {
        container.stdout.as_mut().unwrap().write_all(output.as_bytes()).await.unwrap();
        container.exit(0);
    });
    let streams = CommandStreams { stdout: true, ..CommandStreams::default() };
    let (mut client, session) = serve_spdy("v4.channel.k8s.io", streams, process);
    let error = client.open([("streamType", "error")]).await;
    let stdout = client.open([("streamType", "stdout")]).await;
    assert_eq!(client.until_ended(error).await, SUCCESS);
    assert!(client.text(stdout) == expected, "{} bytes came", client.text(stdout).len());
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn terminal_sizes_reach_the_process() {
    let (process, mut container) = Container::start();
    let streams = CommandStreams { stdin: true, stdout: true, stderr: false, tty: true };
    let (mut client, session) = serve_spdy("v4.channel.k8s.io", streams, process);
    let error = client.open([("streamType", "error")]).await;
    client.open([("streamType", "stdin")]).await;
    client.open([("streamType", "stdout")]).await;
    let resize = client.open([("streamType", "resize")]).await;
    client.data(resize, b"{\"Width\":80,\"Height\":24}\n").await;
    assert_eq!(container.resize.recv().await, Some(TerminalSize { width: 80, height: 24 }));
    client.data(resize, b"{\"Width\":132,\"Hei").await;
    client.data(resize, b"ght\":43}\n").await;
    assert_eq!(container.resize.recv().await, Some(TerminalSize { width: 132, height: 43 }));
    container.exit(0);
    assert_eq!(client.until_ended(error).await, SUCCESS);
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_first_protocol_reports_errors_as_text() {
    let (process, mut container) = Container::start();
    let streams = CommandStreams { stdout: true, ..CommandStreams::default() };
    let (mut client, session) = serve_spdy("channel.k8s.io", streams, process);
    let error = client.open([("streamType", "error")]).await;
    client.open([("streamType", "stdout")]).await;
    container.exit(3);
    assert_eq!(client.until_ended(error).await, "command terminated with non-zero exit code: exit status 3");
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn pings_are_answered_and_surplus_streams_refused() {
    let (process, _container) = Container::start();
    let (mut client, _session) = serve_spdy("v4.channel.k8s.io", ALL, process);
    for kind in ["error", "stdin", "stdout", "stderr", "resize"] {
        client.open([("streamType", kind)]).await;
    }
    let surplus = client.open([("streamType", "stdout")]).await;
    client.send(skiff_streaming::spdy::Frame::Ping(1)).await;
    client.until(|client| !client.pongs.is_empty()).await;
    assert_eq!((&client.pongs[..], &client.resets[..]), (&[1][..], &[surplus][..]));
}

#[tokio::test]
async fn a_process_is_given_up_when_the_client_goes_away() {
    let (process, mut container) = Container::start();
    let (mut client, session) = serve_spdy("v4.channel.k8s.io", ALL, process);
    for kind in ["error", "stdin", "stdout", "stderr"] {
        client.open([("streamType", kind)]).await;
    }
    client.until(|client| client.replies.len() == 4).await;
    drop(client);
    assert!(matches!(session.await.unwrap(), Err(SessionError::ClientGone)));
    let mut rest = Vec::new();
    container.stdin.take().unwrap().read_to_end(&mut rest).await.unwrap();
    assert!(container.exit.unwrap().is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_opens_no_streams_is_dropped_after_a_while() {
    let (process, _container) = Container::start();
    let (_client, session) = serve_spdy("v4.channel.k8s.io", ALL, process);
    assert!(matches!(session.await.unwrap(), Err(SessionError::StreamsMissing)));
}

#[tokio::test]
async fn a_command_over_websocket_gets_its_input_until_the_close_signal() {
    let (process, container) = Container::start();
    tokio::spawn(container.cat(0));
    let (mut client, session) = serve_websocket("v5.channel.k8s.io", ALL, process).await;
    assert_eq!(client.message().await, Some(Message::binary(vec![1])), "the lowest channel is announced");
    client.send(0, b"hello ").await;
    client.ping().await;
    client.send(0, b"world").await;
    client.send(255, &[0]).await;
    client.until_closed().await;
    assert_eq!((client.text(1).as_str(), client.text(2).as_str()), ("hello world", "done\n"));
    assert_eq!(client.text(3), SUCCESS);
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn websocket_sizes_reach_the_process() {
    let (process, mut container) = Container::start();
    let streams = CommandStreams { stdin: true, stdout: true, stderr: false, tty: true };
    let (mut client, session) = serve_websocket("v4.channel.k8s.io", streams, process).await;
    client.send(4, b"{\"Width\":80,\"Height\":24}").await;
    assert_eq!(container.resize.recv().await, Some(TerminalSize { width: 80, height: 24 }));
    container.exit(1);
    client.until_closed().await;
    assert!(client.text(3).contains(r#""reason":"ExitCode","message":"1""#));
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn base64_clients_get_text() {
    let (process, container) = Container::start();
    let streams = CommandStreams { stdin: true, stdout: true, ..CommandStreams::default() };
    let (mut client, _session) = serve_websocket("v4.base64.channel.k8s.io", streams, process).await;
    assert_eq!(client.message().await, Some(Message::text("1")));
    client.send_text("0aGk=").await;
    let mut container = container;
    let mut input = [0; 2];
    container.stdin.as_mut().unwrap().read_exact(&mut input).await.unwrap();
    assert_eq!(&input, b"hi");
    container.stdout.as_mut().unwrap().write_all(b"ho").await.unwrap();
    assert_eq!(client.message().await, Some(Message::text("1aG8=")));
}

#[tokio::test]
async fn a_websocket_client_that_breaks_off_ends_the_session() {
    let (process, container) = Container::start();
    let (client, session) = serve_websocket("v5.channel.k8s.io", ALL, process).await;
    drop(client);
    assert!(matches!(session.await.unwrap(), Err(SessionError::ClientGone)));
    assert!(container.exit.unwrap().is_closed());
}

#[tokio::test]
async fn a_command_that_cannot_start_is_reported() {
    let headers = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v4.channel.k8s.io")];
    let upgrade = negotiate(&request("/exec/ns/pod/container", headers)).unwrap();
    let (client, server) = tokio::io::duplex(1 << 12);
    let streams = CommandStreams { stdout: true, ..CommandStreams::default() };
    let session = tokio::spawn(async move {
        let session = upgrade.accept(server, streams).await.unwrap();
        session.fail("error executing command in container: no such file".to_owned()).await;
    });
    let mut client = SpdyClient::new(client);
    let error = client.open([("streamType", "error")]).await;
    client.open([("streamType", "stdout")]).await;
    assert!(client.until_ended(error).await.contains(r#""reason":"InternalError""#));
    drop(client);
    session.await.unwrap();
}
