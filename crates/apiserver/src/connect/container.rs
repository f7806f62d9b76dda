//! Which container of a pod a request is about.

use skiff_apimachinery::{Document, Status};

/// The container that was asked for, or the only one.
///
/// # Errors
/// 400 if the choice is not clear or there is no such container.
pub(super) fn choose<'a>(pod: &'a Document, asked: &'a str) -> Result<&'a str, Status> {
    let name = pod.name();
    if !asked.is_empty() {
        let known = ["containers", "initContainers", "ephemeralContainers"]
            .iter()
            .any(|list| names(pod, list).any(|known| known == asked));
        return if known {
            Ok(asked)
        } else {
            Err(Status::bad_request(format!("container {asked} is not valid for pod {name}")))
        };
    }
    let containers: Vec<&str> = names(pod, "containers").collect();
    match containers.as_slice() {
        [only] => Ok(only),
        [] => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
        many => {
            let mut why = format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                many.join(" ")
            );
            let init: Vec<&str> = names(pod, "initContainers").collect();
            if !init.is_empty() {
                why.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
            }
            Err(Status::bad_request(why))
        }
    }
}

fn names<'a>(pod: &'a Document, list: &str) -> impl Iterator<Item = &'a str> {
    pod.array_at(&["spec", list]).iter().map(|container| container.str_at(&["name"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_choice_of_a_container_speaks_upstreams_words() {
        let one = doc!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "a"}]}});
        let two = doc!({
            "metadata": {"name": "x"},
            "spec": {
                "containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}],
                "ephemeralContainers": [{"name": "e"}]
            }
        });
        let cases = [
            (&one, "", Ok("a")),
            (&two, "b", Ok("b")),
            (&two, "i", Ok("i")),
            (&two, "e", Ok("e")),
            (&two, "z", Err("container z is not valid for pod x")),
            (
                &two,
                "",
                Err(
                    "a container name must be specified for pod x, choose one of: [a b] or one of the init containers: [i]",
                ),
            ),
        ];
        for (pod, asked, expected) in cases {
            let chosen = choose(pod, asked).map_err(|status| status.message);
            assert_eq!(chosen, expected.map_err(str::to_owned), "{asked}");
        }
    }
}
