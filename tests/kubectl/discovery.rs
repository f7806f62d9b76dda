//! `kubectl api-resources`, `api-versions`, `cluster-info`, `version`: what the server says of itself.

use crate::session::session;

#[test]
fn resources_are_discovered() {
    session(
        r#"
        $ kubectl api-resources --api-group=apps -o wide
        NAME                  SHORTNAMES   APIVERSION   NAMESPACED   KIND                 VERBS                                                        CATEGORIES
        controllerrevisions                apps/v1      true         ControllerRevision   create,delete,deletecollection,get,list,patch,update,watch
        daemonsets            ds           apps/v1      true         DaemonSet            create,delete,deletecollection,get,list,patch,update,watch   all
        deployments           deploy       apps/v1      true         Deployment           create,delete,deletecollection,get,list,patch,update,watch   all
        replicasets           rs           apps/v1      true         ReplicaSet           create,delete,deletecollection,get,list,patch,update,watch   all
        statefulsets          sts          apps/v1      true         StatefulSet          create,delete,deletecollection,get,list,patch,update,watch   all
        $ kubectl api-resources --namespaced=false --api-group=rbac.authorization.k8s.io -o name
        clusterrolebindings.rbac.authorization.k8s.io
        clusterroles.rbac.authorization.k8s.io
        $ kubectl api-resources --verbs=create --api-group='' -o name
        bindings
        configmaps
        endpoints
        events
        limitranges
        namespaces
        nodes
        persistentvolumeclaims
        persistentvolumes
        pods
        podtemplates
        replicationcontrollers
        resourcequotas
        secrets
        serviceaccounts
        services
        $ kubectl api-resources --api-group=networking.k8s.io --sort-by=kind
        NAME              SHORTNAMES   APIVERSION             NAMESPACED   KIND
        ipaddresses       ip           networking.k8s.io/v1   false        IPAddress
        ingresses         ing          networking.k8s.io/v1   true         Ingress
        ingressclasses                 networking.k8s.io/v1   false        IngressClass
        networkpolicies   netpol       networking.k8s.io/v1   true         NetworkPolicy
        servicecidrs                   networking.k8s.io/v1   false        ServiceCIDR
        "#,
    );
}

#[test]
fn versions_are_discovered() {
    session(
        r#"
        $ kubectl api-versions | grep -v example.com
        admissionregistration.k8s.io/v1
        apiextensions.k8s.io/v1
        apiregistration.k8s.io/v1
        apps/v1
        authentication.k8s.io/v1
        authorization.k8s.io/v1
        autoscaling/v1
        autoscaling/v2
        batch/v1
        certificates.k8s.io/v1
        coordination.k8s.io/v1
        discovery.k8s.io/v1
        events.k8s.io/v1
        flowcontrol.apiserver.k8s.io/v1
        networking.k8s.io/v1
        node.k8s.io/v1
        policy/v1
        rbac.authorization.k8s.io/v1
        resource.k8s.io/v1
        scheduling.k8s.io/v1
        storage.k8s.io/v1
        v1
        $ kubectl get --raw /readyz
        ok
        [..1.27] $ kubectl version 2>/dev/null | grep -o 'Server Version: .*GitVersion:"[^"]*"'
        [..1.27] Server Version: version.Info{Major:"1", Minor:"35", GitVersion:"v1.35.0"
        [1.28..] $ kubectl version 2>/dev/null | grep Server
        [1.28..] Server Version: v1.35.0
        "#,
    );
}

#[test]
fn the_cluster_is_told_of_and_dumped() {
    session(
        r#"
        $ kubectl cluster-info
        Kubernetes control plane is running at $SERVER

        To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.
        $ kubectl cluster-info dump --namespaces=$NS --output-directory=dump
        Cluster info dumped to dump
        $ find dump -type f | sort
        dump/$NS/daemonsets.json
        dump/$NS/deployments.json
        dump/$NS/events.json
        dump/$NS/pods.json
        dump/$NS/replicasets.json
        dump/$NS/replication-controllers.json
        dump/$NS/services.json
        dump/nodes.json
        "#,
    );
}
