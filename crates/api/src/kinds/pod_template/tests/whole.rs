//! Fields of the spec itself.

use super::super::validate;
use super::{Case, check, of_spec};
use skiff_apimachinery::{Document, FieldPath, doc};

#[test]
fn fields_of_the_spec_have_their_forms() {
    let label = |field: &str| format!(r#"spec.{field}: Invalid value: "A": {}"#, super::LABEL);
    let subdomain = |field: &str| format!(r#"spec.{field}: Invalid value: "A": {}"#, super::SUBDOMAIN);
    let [hostname, subdomain_field] = ["hostname", "subdomain"].map(label);
    let [account, node, class, runtime] =
        ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"].map(subdomain);
    let gate = format!(r#"spec.readinessGates[0].conditionType: Invalid value: "-": {}"#, super::QUALIFIED);
    let alias = subdomain("hostAliases[0].hostnames[0]");
    let cases: [Case<'_>; 12] = [
        (
            "policies",
            r#"{"restartPolicy": "x", "dnsPolicy": "y", "preemptionPolicy": "z"}"#,
            &[
                r#"spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never""#,
                r#"spec.dnsPolicy: Unsupported value: "y": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None""#,
                r#"spec.preemptionPolicy: Unsupported value: "z": supported values: "PreemptLowerPriority", "Never""#,
            ],
        ),
        ("host names", r#"{"hostname": "A", "subdomain": "A"}"#, &[&hostname, &subdomain_field]),
        (
            "names of others",
            r#"{"serviceAccountName": "A", "nodeName": "A", "priorityClassName": "A", "runtimeClassName": "A"}"#,
            &[&account, &node, &class, &runtime],
        ),
        ("a deadline", r#"{"activeDeadlineSeconds": 1}"#, &[]),
        (
            "no deadline at all",
            r#"{"activeDeadlineSeconds": 0}"#,
            &["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
        ),
        ("a readiness gate", r#"{"readinessGates": [{"conditionType": "-"}]}"#, &[&gate]),
        (
            "a scheduling gate twice",
            r#"{"schedulingGates": [{"name": "a"}, {"name": "a"}]}"#,
            &[r#"spec.schedulingGates[1]: Duplicate value: "a""#],
        ),
        (
            "host aliases",
            r#"{"hostAliases": [{"ip": "1.2.3", "hostnames": ["A"]}]}"#,
            &[
                r#"spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                &alias,
            ],
        ),
        (
            "no name servers",
            r#"{"dnsPolicy": "None"}"#,
            &["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        ),
        (
            "no name server",
            r#"{"dnsPolicy": "None", "dnsConfig": {}}"#,
            &[
                "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
            ],
        ),
        (
            "too many name servers",
            r#"{"dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "x"], "searches": [".", "a_b.c."], "options": [{}]}}"#,
            &[
                r#"spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","x"]: must not have more than 3 nameservers"#,
                r#"spec.dnsConfig.nameservers[3]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                "spec.dnsConfig.options[0]: Required value: must not be empty",
            ],
        ),
        (
            "overhead",
            r#"{"overhead": {"cpu": "-1"}}"#,
            &[r#"spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0"#],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn search_lists_are_bounded() {
    let long = "a".repeat(63);
    let paths: Vec<String> = (0..33).map(|i| format!("{long}.x{i}")).collect();
    let found = of_spec(doc!({"dnsConfig": {"searches": paths}}));
    let endings: Vec<&str> = found.iter().filter_map(|text| text.rsplit(": ").next()).collect();
    assert_eq!(
        endings,
        [
            "must not have more than 32 search paths",
            "must not have more than 2048 characters (including spaces) in the search list"
        ]
    );
}

#[test]
fn a_template_is_judged_with_its_metadata() {
    let template = |metadata: Document, fields: Document| {
        let mut pod = super::pod(fields);
        pod.insert("metadata", metadata);
        let errors = validate(Some(&pod), &FieldPath::new("spec.template"));
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(template(doc!({}), doc!({})), [""; 0]);
    let found = template(
        doc!({"labels": {"-": "a"}, "annotations": {"-": "a"}}),
        doc!({"ephemeralContainers": [{"name": "d", "image": "i"}]}),
    );
    assert_eq!(
        found,
        [
            format!(r#"spec.template.labels: Invalid value: "-": {}"#, super::QUALIFIED),
            format!(r#"spec.template.annotations: Invalid value: "-": {}"#, super::QUALIFIED),
            "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"
                .to_owned(),
        ]
    );
    // An image may still be filled in, and be put right, when a pod is made.
    let found = template(
        doc!({}),
        doc!({"volumes": [{"name": "v", "image": {}}], "containers": [{"name": "c", "image": " i"}]}),
    );
    assert_eq!(found, [""; 0]);
}
