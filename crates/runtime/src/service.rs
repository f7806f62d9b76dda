//! The CRI trait over the runtime's own functions. Whatever changes something runs in a task of its own, so that a caller that goes away does not
//! leave it half done.

use crate::embedded::{Core, EmbeddedRuntime};
use crate::error::{Outcome, RuntimeError};
use crate::image::{Credentials, Image, ImageSummary};
use futures::future::BoxFuture;
use skiff_cri::streams::{Duplex, Session};
use skiff_cri::{CriResult, Runtime, v1};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::broadcast;

impl EmbeddedRuntime {
    /// Runs to its end whatever becomes of the caller.
    fn complete<T, F>(&self, work: impl FnOnce(Arc<Core>) -> F) -> BoxFuture<'_, CriResult<T>>
    where
        T: Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let task = tokio::spawn(work(self.core.clone()));
        Box::pin(async move { Ok(task.await.map_err(RuntimeError::internal)??) })
    }

    /// Runs blocking work on the image store.
    fn images_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> Outcome<T> + Send + 'static,
    ) -> BoxFuture<'_, CriResult<T>> {
        self.complete(|core| async move {
            tokio::task::spawn_blocking(move || work(&core)).await.map_err(RuntimeError::internal)?
        })
    }
}

impl Runtime for EmbeddedRuntime {
    fn version(&self) -> BoxFuture<'_, CriResult<v1::VersionResponse>> {
        let response = v1::VersionResponse {
            version: "0.1.0".to_owned(),
            runtime_name: crate::NAME.to_owned(),
            runtime_version: env!("CARGO_PKG_VERSION").to_owned(),
            runtime_api_version: "v1".to_owned(),
        };
        Box::pin(async { Ok(response) })
    }

    fn status(&self) -> BoxFuture<'_, CriResult<v1::StatusResponse>> {
        let not_ready = self.core.config.network.not_ready();
        let condition = |kind: &str, reason: &str, failure: Option<String>| v1::RuntimeCondition {
            r#type: kind.to_owned(),
            status: failure.is_none(),
            reason: if failure.is_some() { reason.to_owned() } else { String::new() },
            message: failure.unwrap_or_default(),
        };
        let features =
            v1::RuntimeHandlerFeatures { recursive_read_only_mounts: true, user_namespaces: false };
        let handler = |name: &str| v1::RuntimeHandler { name: name.to_owned(), features: Some(features) };
        let response = v1::StatusResponse {
            status: Some(v1::RuntimeStatus {
                conditions: vec![
                    condition("RuntimeReady", "", None),
                    condition("NetworkReady", "NetworkPluginNotReady", not_ready),
                ],
            }),
            runtime_handlers: vec![handler(""), handler(crate::NAME)],
            features: Some(v1::RuntimeFeatures { supplemental_groups_policy: true }),
            ..v1::StatusResponse::default()
        };
        Box::pin(async { Ok(response) })
    }

    fn update_runtime_config(&self, config: v1::RuntimeConfig) -> BoxFuture<'_, CriResult<()>> {
        let cidrs = config.network_config.map(|network| network.pod_cidr).unwrap_or_default();
        let cidrs =
            cidrs.split(',').map(str::trim).filter(|cidr| !cidr.is_empty()).map(str::to_owned).collect();
        self.core.config.network.configure(cidrs)
    }

    fn run_pod_sandbox(&self, request: v1::RunPodSandboxRequest) -> BoxFuture<'_, CriResult<String>> {
        self.complete(|core| core.run_sandbox(request))
    }

    fn stop_pod_sandbox(&self, id: String) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move { core.stop_sandbox(&id).await })
    }

    fn remove_pod_sandbox(&self, id: String) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move { core.remove_sandbox(&id).await })
    }

    fn pod_sandbox_status(&self, id: String) -> BoxFuture<'_, CriResult<v1::PodSandboxStatus>> {
        let found = self.core.sandbox(&id).map(|sandbox| sandbox.record().status());
        Box::pin(async { Ok(found?) })
    }

    fn list_pod_sandbox(
        &self,
        filter: v1::PodSandboxFilter,
    ) -> BoxFuture<'_, CriResult<Vec<v1::PodSandbox>>> {
        let list = self.core.list_sandboxes(&filter);
        Box::pin(async { Ok(list) })
    }

    fn create_container(&self, request: v1::CreateContainerRequest) -> BoxFuture<'_, CriResult<String>> {
        self.complete(|core| core.create_container(request))
    }

    fn start_container(&self, id: String) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move { core.start_container(&id).await })
    }

    fn stop_container(&self, id: String, timeout_seconds: i64) -> BoxFuture<'_, CriResult<()>> {
        self.complete(move |core| async move { core.stop_container(&id, timeout_seconds).await })
    }

    fn remove_container(&self, id: String) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move { core.remove_container(&id).await })
    }

    fn list_containers(&self, filter: v1::ContainerFilter) -> BoxFuture<'_, CriResult<Vec<v1::Container>>> {
        let list = self.core.list_containers(&filter);
        Box::pin(async { Ok(list) })
    }

    fn container_status(&self, id: String) -> BoxFuture<'_, CriResult<v1::ContainerStatus>> {
        let found = self.core.container(&id).map(|container| container.status());
        Box::pin(async { Ok(found?) })
    }

    fn update_container_resources(
        &self,
        request: v1::UpdateContainerResourcesRequest,
    ) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move { core.update_resources(request).await })
    }

    fn reopen_container_log(&self, id: String) -> BoxFuture<'_, CriResult<()>> {
        self.complete(|core| async move {
            let container = core.running(&id)?;
            core.sandbox(&container.sandbox)?.shim.reopen_log(&container.id).await
        })
    }

    fn exec_sync(&self, request: v1::ExecSyncRequest) -> BoxFuture<'_, CriResult<v1::ExecSyncResponse>> {
        // Not in a task: a caller that goes away takes its command with it.
        let core = self.core.clone();
        Box::pin(async move { Ok(core.exec_sync(request).await?) })
    }

    fn container_stats(&self, id: String) -> BoxFuture<'_, CriResult<v1::ContainerStats>> {
        self.complete(|core| async move { core.container_stats(&id).await })
    }

    fn list_pod_sandbox_stats(&self) -> BoxFuture<'_, CriResult<Vec<v1::PodSandboxStats>>> {
        self.complete(Core::sandbox_stats)
    }

    fn container_events(&self) -> broadcast::Receiver<v1::ContainerEventResponse> {
        self.core.events.subscribe()
    }

    fn list_images(&self) -> BoxFuture<'_, CriResult<Vec<v1::Image>>> {
        self.images_blocking(|core| {
            let summaries = core.images.list()?;
            // An image that is removed meanwhile is not listed.
            let images = summaries.iter().filter_map(|summary| core.images.find(&summary.id).ok().flatten());
            Ok(images.map(|image| image_view(&image)).collect())
        })
    }

    fn image_status(&self, image: v1::ImageSpec) -> BoxFuture<'_, CriResult<Option<v1::Image>>> {
        self.images_blocking(move |core| Ok(core.images.find(&image.image)?.map(|image| image_view(&image))))
    }

    fn pull_image(&self, request: v1::PullImageRequest) -> BoxFuture<'_, CriResult<String>> {
        // Not in a task: a pull that nobody waits for ends; what is half done is temporary.
        let core = self.core.clone();
        let credentials = request.auth.map(Credentials::from).unwrap_or_default();
        let image = request.image.unwrap_or_default().image;
        Box::pin(async move { Ok(core.images.pull(&image, credentials, &core.config.registries).await?) })
    }

    fn remove_image(&self, image: v1::ImageSpec) -> BoxFuture<'_, CriResult<()>> {
        self.images_blocking(move |core| {
            // CRI removes the image, not one of its names.
            match core.images.find(&image.image)? {
                Some(found) => core.images.remove(&found.summary.id).map(drop),
                None => Ok(()),
            }
        })
    }

    fn image_fs_info(&self) -> BoxFuture<'_, CriResult<v1::ImageFsInfoResponse>> {
        self.complete(Core::image_filesystem)
    }

    fn exec(&self, request: v1::ExecRequest) -> BoxFuture<'_, CriResult<Session>> {
        let core = self.core.clone();
        Box::pin(async move { Ok(core.exec(request).await?) })
    }

    fn attach(&self, request: v1::AttachRequest) -> BoxFuture<'_, CriResult<Session>> {
        let core = self.core.clone();
        Box::pin(async move { Ok(core.attach(request).await?) })
    }

    fn port_forward(&self, sandbox_id: String, port: u16) -> BoxFuture<'_, CriResult<Duplex>> {
        let core = self.core.clone();
        Box::pin(async move { Ok(core.port_forward(&sandbox_id, port).await?) })
    }
}

fn image_view(image: &Image) -> v1::Image {
    let ImageSummary { id, tags, digests, size } = image.summary.clone();
    let user = image.config.defaults().user;
    let user = user.split(':').next().unwrap_or_default();
    let uid = user.parse().ok().map(|value| v1::Int64Value { value });
    v1::Image {
        id,
        repo_tags: tags,
        repo_digests: digests,
        size,
        username: if uid.is_some() { String::new() } else { user.to_owned() },
        uid,
        spec: None,
        pinned: false,
    }
}
