//! Environment variables that tell a container where the services of its namespace are.

use skiff_apimachinery::Document;
use std::net::IpAddr;

/// Variables of these services: `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT` and the docker-style `NAME_PORT_80_TCP_ADDR`.
/// Services without a cluster IP are left out.
pub fn variables<'a>(services: impl IntoIterator<Item = &'a Document>) -> Vec<(String, String)> {
    services.into_iter().filter(|service| has_cluster_ip(service)).flat_map(of_service).collect()
}

fn has_cluster_ip(service: &Document) -> bool {
    !matches!(service.str_at(&["spec", "clusterIP"]), "" | "None")
}

fn of_service(service: &Document) -> Vec<(String, String)> {
    let name = service.name().to_uppercase().replace('-', "_");
    let host = service.str_at(&["spec", "clusterIP"]);
    let ports = service.array_at(&["spec", "ports"]);
    let mut out = vec![(format!("{name}_SERVICE_HOST"), host.to_owned())];
    let Some(first) = ports.first() else { return out };
    let number = |port: &Document| port.i64_at(&["port"]).unwrap_or(0);
    out.push((format!("{name}_SERVICE_PORT"), number(first).to_string()));
    for port in ports.iter().filter(|port| !port.str_at(&["name"]).is_empty()) {
        let port_name = port.str_at(&["name"]).to_uppercase().replace('-', "_");
        out.push((format!("{name}_SERVICE_PORT_{port_name}"), number(port).to_string()));
    }
    let address = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => format!("[{v6}]"),
        _ => host.to_owned(),
    };
    for (index, port) in ports.iter().enumerate() {
        let protocol = match port.str_at(&["protocol"]) {
            "" => "TCP",
            text => text,
        };
        let (number, lower) = (number(port), protocol.to_lowercase());
        let url = format!("{lower}://{address}:{number}");
        let prefix = format!("{name}_PORT_{number}_{protocol}");
        if index == 0 {
            out.push((format!("{name}_PORT"), url.clone()));
        }
        out.push((prefix.clone(), url));
        out.push((format!("{prefix}_PROTO"), lower));
        out.push((format!("{prefix}_PORT"), number.to_string()));
        out.push((format!("{prefix}_ADDR"), host.to_owned()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn services_become_variables() {
        let web = doc!({"metadata": {"name": "my-web"}, "spec": {
            "clusterIP": "10.0.0.9", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]
        }});
        let headless = doc!({"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}});
        let lines: Vec<String> =
            variables([&web, &headless]).into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        expect_test::expect![[r#"
            MY_WEB_SERVICE_HOST=10.0.0.9
            MY_WEB_SERVICE_PORT=80
            MY_WEB_SERVICE_PORT_HTTP=80
            MY_WEB_PORT=tcp://10.0.0.9:80
            MY_WEB_PORT_80_TCP=tcp://10.0.0.9:80
            MY_WEB_PORT_80_TCP_PROTO=tcp
            MY_WEB_PORT_80_TCP_PORT=80
            MY_WEB_PORT_80_TCP_ADDR=10.0.0.9"#]]
        .assert_eq(&lines.join("\n"));
    }
}
