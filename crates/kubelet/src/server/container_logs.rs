//! `/containerLogs/{namespace}/{pod}/{container}`.

use super::query::Query;
use super::route::Target;
use super::{Answer, NodeServer, text};
use crate::agent::observe::observe;
use crate::logs::line::LineOptions;
use crate::logs::read::{LogOptions, read};
use crate::pod::PodView;
use crate::worker::runtime::{ContainerRecord, ContainerState};
use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::Document;
use skiff_cri::Runtime;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Blocks of a log that wait for a slow reader.
const QUEUE: usize = 4;

impl NodeServer {
    pub(super) async fn container_logs(&self, target: Target, request: &Request<Incoming>) -> Answer {
        let query = Query::parse(request.uri().query());
        let options = match options(&query, self.agent.clock.now()) {
            Ok(options) => options,
            Err(error) => return text(StatusCode::UNPROCESSABLE_ENTITY, error),
        };
        let Some(pod) = self.pods.find(&target.namespace, &target.pod) else {
            return text(StatusCode::NOT_FOUND, format!("pod {:?} does not exist\n", target.pod));
        };
        if pod.container(&target.container).is_none() {
            let why = format!("container {:?} not found in pod {:?}\n", target.container, target.pod);
            return text(StatusCode::NOT_FOUND, why);
        }
        let found = self.record(&pod, &target.container, query.is_set(&["previous"])).await;
        let record = match found {
            Ok(record) => record,
            Err(error) => return text(StatusCode::BAD_REQUEST, error),
        };
        let path = match self.agent.runtime.container_status(record.id.clone()).await {
            Ok(status) if !status.log_path.is_empty() => PathBuf::from(status.log_path),
            _ => self.agent.log_dir(&pod).join(&record.name).join(format!("{}.log", record.restart_count)),
        };
        let options = LogOptions { follow: options.follow && record.is_running(), ..options };
        let (sink, receiver) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
        let runtime = self.agent.runtime.clone();
        tokio::spawn(async move {
            let ended = ended(runtime, record.id);
            if let Err(error) = read(path, options, &sink, ended).await {
                // A container that wrote nothing may have no log.
                if error.kind() != io::ErrorKind::NotFound {
                    let _ = sink.send(Err(error)).await;
                }
            }
        });
        let frames = stream::unfold(receiver, |mut receiver| async move {
            let bytes = receiver.recv().await?;
            Some((bytes.map(Frame::data), receiver))
        });
        let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
        let kind = http::HeaderValue::from_static("text/plain");
        answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        answer
    }

    /// The container whose log is asked for.
    async fn record(&self, pod: &PodView, name: &str, previous: bool) -> Result<ContainerRecord, String> {
        let runtime = observe(&self.agent, pod.uid()).await.map_err(|error| error.message)?;
        let of_pod = format!("container {name:?} in pod {:?}", pod.name());
        if previous {
            let ended = runtime.previous(name).or_else(|| {
                // While the next run waits for its back-off, the last one is the previous.
                runtime
                    .latest(name)
                    .filter(|record| record.is_exited() && waiting_reason(pod, name).is_some())
            });
            return ended.cloned().ok_or_else(|| format!("previous terminated {of_pod} not found"));
        }
        let begun = runtime.latest(name).filter(|record| record.state != ContainerState::Created);
        begun.cloned().ok_or_else(|| match waiting_reason(pod, name).as_deref() {
            Some("ErrImagePull") => format!("{of_pod} is waiting to start: image can't be pulled"),
            Some("ImagePullBackOff") => {
                format!("{of_pod} is waiting to start: trying and failing to pull image")
            }
            reason => format!("{of_pod} is waiting to start: {}", reason.unwrap_or("ContainerCreating")),
        })
    }
}

/// Why a container waits, as the API knows it.
fn waiting_reason(pod: &PodView, name: &str) -> Option<String> {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let status = lists
        .iter()
        .flat_map(|list| pod.object().array_at(&["status", list]))
        .find(|status| status.str_at(&["name"]) == name)?;
    status.at(&["state", "waiting", "reason"]).and_then(Document::as_str).map(str::to_owned)
}

/// Waits for a container's end.
async fn ended(runtime: Arc<dyn Runtime>, id: String) {
    let mut events = runtime.container_events();
    loop {
        let status = runtime.container_status(id.clone()).await;
        if status
            .is_ok_and(|status| status.state != i32::from(skiff_cri::v1::ContainerState::ContainerRunning))
        {
            return;
        }
        loop {
            match events.recv().await {
                Ok(event) if event.container_id != id => {}
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => break,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}

fn options(query: &Query, now: Timestamp) -> Result<LogOptions, String> {
    let number = |name: &str| match query.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("{name}: Invalid value: {text:?}: must be an integer")),
        },
    };
    let not_negative = |name: &str, value: Option<i64>| match value {
        Some(number) => u64::try_from(number)
            .map(Some)
            .map_err(|_| format!("{name}: Invalid value: {number}: must be greater than or equal to 0")),
        None => Ok(None),
    };
    let since = match (number("sinceSeconds")?, query.get("sinceTime")) {
        (Some(seconds), _) => Some(now - SignedDuration::from_secs(seconds)),
        (None, Some(text)) => Some(text.parse().map_err(|_| format!("sinceTime: Invalid value: {text:?}"))?),
        (None, None) => None,
    };
    Ok(LogOptions {
        follow: query.is_set(&["follow"]),
        // Clients send -1 for all lines.
        tail: number("tailLines")?.and_then(|lines| u64::try_from(lines).ok()),
        lines: LineOptions {
            since,
            timestamps: query.is_set(&["timestamps"]),
            limit: not_negative("limitBytes", number("limitBytes")?)?,
            stream: match query.get("stream") {
                Some("Stdout") => "stdout",
                Some("Stderr") => "stderr",
                _ => "",
            },
        },
    })
}
