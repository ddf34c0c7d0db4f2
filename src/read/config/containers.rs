//! Compose files and Kubernetes manifests: which paths outlive a container, and how many replicas there are.

use super::command::{Launch, run};
use super::docker::has_drive;
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::catalog::config::engine_of_image;
use crate::discover::is_windows_image;
use crate::facts::{
    CONTAINER, Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Phase, Reading, Step, Store, Text,
};
use std::collections::{HashMap, HashSet};

/// Volumes that live as long as the pod, or stay behind on the node that it ran on.
const SCRATCH: &[&str] = &["emptyDir", "ephemeral", "hostPath"];
/// Volumes of a pod that are written elsewhere.
const DURABLE: &[&str] = &[
    "persistentVolumeClaim",
    "azureFile",
    "azureDisk",
    "nfs",
    "csi",
    "awsElasticBlockStore",
    "gcePersistentDisk",
    "cephfs",
];
/// Kinds of objects that keep pods running.
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Job", "CronJob", "Pod"];

/// Is it either of the two? Other YAML is told by its file name.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) -> bool {
    let tree = &document.tree;
    if let (Some(_), Some(kind)) = (tree.child(ROOT, "apiVersion"), tree.get(ROOT, "kind")) {
        reading.format = "kubernetes".to_owned();
        if WORKLOADS.contains(&kind) {
            images(document, reading);
            workload(document, reading);
        }
        return true;
    }
    let Some(services) = tree.child(ROOT, "services") else { return false };
    if !tree.elements(services).any(|s| tree.child(s, "image").is_some() || tree.child(s, "build").is_some()) {
        return false;
    }
    reading.format = "compose".to_owned();
    let services: Vec<NodeId> = tree.elements(services).collect();
    let any_windows = services.iter().any(|service| is_windows_service(tree, *service));
    images(document, reading);
    for service in services {
        compose_service(document, reading, service, any_windows);
    }
    true
}

/// Images that containers run, except those that are built here. What is in them is the application, or part of it.
fn images(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let is_built = |container: NodeId| tree.child(container, "build").is_some();
    let of = |container: NodeId| tree.child(container, "image").filter(|image| !tree.value(*image).is_empty());
    let found: Vec<NodeId> = match tree.child(ROOT, "services") {
        Some(services) => tree.elements(services).filter(|service| !is_built(*service)).filter_map(of).collect(),
        None => {
            let lists = tree.descendants(ROOT).into_iter().filter_map(|node| tree.child(node, "containers"));
            lists.flat_map(|list| tree.elements(list).filter_map(of).collect::<Vec<_>>()).collect()
        }
    };
    for image in found {
        let name = document.tree.value(image).to_owned();
        document.clue(reading, image, Clue::new(ClueKind::Role, CONTAINER, name));
    }
}

fn workload(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let has_containers = |n: &NodeId| tree.child(*n, "containers").is_some();
    let pods: Vec<NodeId> = tree.descendants(ROOT).into_iter().filter(has_containers).collect();
    if !pods.is_empty() && pods.iter().all(|&pod| is_linux_pod(tree, pod)) {
        return;
    }
    let name = tree.at(ROOT, &["metadata", "name"]).map(|n| tree.value(n).to_owned()).unwrap_or_default();
    let is_said = |node: &NodeId| !tree.value(*node).is_empty();
    if let Some(replicas) = tree.at(ROOT, &["spec", "replicas"]).filter(is_said) {
        let count = tree.value(replicas).to_owned();
        document.clue(reading, replicas, Clue::new(ClueKind::Instances, &name, count));
    }
    let tree = &document.tree;
    let claims: HashSet<String> = tree
        .at(ROOT, &["spec", "volumeClaimTemplates"])
        .into_iter()
        .flat_map(|list| tree.elements(list).collect::<Vec<_>>())
        .filter_map(|c| tree.at(c, &["metadata", "name"]).map(|n| tree.value(n).to_owned()))
        .collect();
    for pod in pods {
        let tree = &document.tree;
        let kinds = volume_kinds(tree, pod);
        let containers: Vec<NodeId> =
            tree.child(pod, "containers").map(|c| tree.elements(c).collect()).unwrap_or_default();
        let first: Vec<NodeId> =
            document.tree.child(pod, "initContainers").map(|c| document.tree.elements(c).collect()).unwrap_or_default();
        let windows = is_windows_pod(&document.tree, pod);
        for &container in &containers {
            mounts(document, reading, container, &kinds, &claims);
            environment(document, reading, container);
            if windows {
                commands(document, reading, container, "entrypoint");
            }
        }
        for container in first.into_iter().filter(|_| windows) {
            commands(document, reading, container, "entrypoint-setup");
        }
    }
}

/// `volumeMounts` of a container, by what the volume of that name is.
fn mounts(
    document: &mut Document<'_>,
    reading: &mut Reading,
    container: NodeId,
    kinds: &HashMap<String, String>,
    claims: &HashSet<String>,
) {
    let tree = &document.tree;
    let mut found = Vec::new();
    for mount in tree.child(container, "volumeMounts").into_iter().flat_map(|m| tree.elements(m).collect::<Vec<_>>()) {
        let (Some(path), Some(name)) = (tree.child(mount, "mountPath"), tree.get(mount, "name")) else { continue };
        // A template may leave it open.
        if tree.value(path).is_empty() {
            continue;
        }
        let location = Location::file(&Text::lit(tree.value(path)));
        let kind =
            if claims.contains(name) { Some("volumeClaimTemplate") } else { kinds.get(name).map(String::as_str) };
        let clue = match kind {
            Some(kind) if DURABLE.contains(&kind) || kind == "volumeClaimTemplate" => {
                Clue::new(ClueKind::DurableMount, kind, name).at(location)
            }
            Some(kind) if SCRATCH.contains(&kind) => Clue::new(ClueKind::Disk, kind, name).at(location),
            // Settings and secrets are read only.
            _ => continue,
        };
        found.push((path, clue));
    }
    for (at, clue) in found {
        document.clue(reading, at, clue);
    }
}

/// Does the pod run on nodes of Windows? Commands of others are for other shells.
fn is_windows_pod(tree: &Tree, pod: NodeId) -> bool {
    let selected = tree.child(pod, "nodeSelector").is_some_and(|selector| {
        tree.elements(selector).any(|label| tree.name(label).ends_with("/os") && tree.value(label) == "windows")
    });
    selected
        || tree.at(pod, &["os", "name"]).is_some_and(|name| tree.value(name).eq_ignore_ascii_case("windows"))
        || tree.descendants(pod).into_iter().any(|node| match tree.name(node) {
            "image" => is_windows_image(tree.value(node)),
            "mountPath" | "workingDir" => has_drive(tree.value(node)),
            _ => false,
        })
}

/// Shells of Linux, by which its containers and probes are told.
const LINUX_SHELLS: &[&str] = &["sh", "bash", "ash", "/bin/sh", "/bin/bash", "/usr/bin/env"];
/// Words in the names of images of Linux: the system itself, or the release of a distribution.
const LINUX_IMAGES: &[&str] =
    &["linux", "alpine", "debian", "ubuntu", "bullseye", "bookworm", "trixie", "jammy", "ubi8", "ubi9"];

/// Does the pod run on nodes of Linux? Nothing is said of one that tells neither.
fn is_linux_pod(tree: &Tree, pod: NodeId) -> bool {
    if is_windows_pod(tree, pod) {
        return false;
    }
    let first = |command: NodeId| tree.elements(command).next().map(|word| tree.value(word));
    tree.at(pod, &["os", "name"]).is_some_and(|name| tree.value(name).eq_ignore_ascii_case("linux"))
        || tree.descendants(pod).into_iter().any(|node| match tree.name(node) {
            "kubernetes.io/os" | "beta.kubernetes.io/os" => tree.value(node).eq_ignore_ascii_case("linux"),
            "image" => is_linux_image(tree.value(node)),
            "command" => first(node).is_some_and(|word| LINUX_SHELLS.contains(&word)),
            _ => false,
        })
}

/// Is this the name of an image of Linux, by a word of it?
fn is_linux_image(image: &str) -> bool {
    let image = image.to_lowercase();
    image.split(['/', ':', '-', '_', '.']).any(|word| LINUX_IMAGES.contains(&word))
}

/// What a container runs instead of, or beside, what its image says.
fn commands(document: &mut Document<'_>, reading: &mut Reading, container: NodeId, how: &'static str) {
    let tree = &document.tree;
    let here = tree.get(container, "workingDir").map_or_else(|| Text::folder(Folder::Cwd), Text::lit);
    let own = tree.child(container, "command").map(|command| {
        let mut line = command_line(tree, command);
        if let Some(arguments) = tree.child(container, "args") {
            line.push(' ');
            line.push_str(&command_line(tree, arguments));
        }
        (command, line, how)
    });
    // What follows the start is carried out at every start, too.
    let after = tree.at(container, &["lifecycle", "postStart", "exec", "command"]);
    let after = after.map(|command| (command, command_line(tree, command), "entrypoint-setup"));
    for (at, line, how) in own.into_iter().chain(after) {
        let launch = Launch::new(how, "a command of the container", here.clone());
        run(document, reading, at, &Text::lit(line), &launch);
    }
}

/// A list of words, or a line.
fn command_line(tree: &Tree, command: NodeId) -> String {
    let words: Vec<NodeId> = tree.elements(command).collect();
    if words.is_empty() {
        return tree.value(command).to_owned();
    }
    let quoted = |&word: &NodeId| {
        let word = tree.value(word);
        if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// What each volume of a pod is: the member beside its name.
fn volume_kinds(tree: &Tree, pod: NodeId) -> HashMap<String, String> {
    let volumes = tree.child(pod, "volumes").into_iter().flat_map(|v| tree.elements(v));
    volumes
        .filter_map(|volume| {
            let kind = tree.elements(volume).map(|m| tree.name(m)).find(|m| *m != "name")?;
            Some((tree.get(volume, "name")?.to_owned(), kind.to_owned()))
        })
        .collect()
}

fn environment(document: &mut Document<'_>, reading: &mut Reading, container: NodeId) {
    let tree = &document.tree;
    let variables: Vec<(NodeId, String)> = tree
        .child(container, "env")
        .into_iter()
        .flat_map(|env| tree.elements(env).collect::<Vec<_>>())
        .filter_map(|v| Some((tree.child(v, "value")?, tree.get(v, "name")?.to_owned())))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    for (at, name) in variables {
        document.value_clue(reading, at, &format!("env/{name}"));
    }
}

/// Volumes and replicas of one service: `C:\data:D:\data`, `store:C:\store`, or the long form.
fn compose_service(document: &mut Document<'_>, reading: &mut Reading, service: NodeId, any_windows: bool) {
    let tree = &document.tree;
    let is_linux = tree.get(service, "platform").is_some_and(|platform| platform.starts_with("linux"))
        || tree.get(service, "image").is_some_and(is_linux_image);
    if is_linux && !is_windows_service(tree, service) {
        return;
    }
    let name = tree.name(service).to_owned();
    if let Some(replicas) = tree.at(service, &["deploy", "replicas"]) {
        let count = tree.value(replicas).to_owned();
        document.clue(reading, replicas, Clue::new(ClueKind::Instances, &name, count));
    }
    let tree = &document.tree;
    let volumes: Vec<NodeId> = tree.child(service, "volumes").map(|v| tree.elements(v).collect()).unwrap_or_default();
    for volume in volumes {
        let tree = &document.tree;
        let (source, target, kind) = match tree.get(volume, "target") {
            Some(target) => {
                let source = tree.get(volume, "source").unwrap_or_default();
                (source.to_owned(), target.to_owned(), tree.get(volume, "type").unwrap_or("volume").to_owned())
            }
            None => {
                let Some((source, target)) = split_volume(tree.value(volume)) else { continue };
                let path = source.contains(['/', '\\']) || source.starts_with('.');
                (source, target, if path { "bind" } else { "volume" }.to_owned())
            }
        };
        let location = Location::file(&Text::lit(target));
        // A named volume or a folder of the host outlives the container, and not the host, unless a driver keeps it
        // elsewhere (Docker documentation, "Volumes": the driver `local` keeps it on this host, or mounts what its options
        // say). A volume without a name is a new one for each.
        let clue = match kind.as_str() {
            "tmpfs" => Clue::new(ClueKind::Disk, "tmpfs", source),
            kind if source.is_empty() => Clue::new(ClueKind::Disk, format!("compose-{kind}"), source),
            "volume" => match remote_driver(&document.tree, &source) {
                Some(driver) => Clue::new(ClueKind::DurableMount, format!("the volume {source} ({driver})"), source),
                None => Clue::new(ClueKind::HostMount, format!("the volume {source} of the host"), source),
            },
            "bind" => Clue::new(ClueKind::HostMount, format!("the folder {source} of the host"), source),
            kind => Clue::new(ClueKind::Disk, format!("compose-{kind}"), source),
        };
        document.clue(reading, volume, clue.at(location));
    }
    kept_in_container(document, reading, service, any_windows);
    if is_windows_service(&document.tree, service) {
        service_command(document, reading, service);
    }
    if let Some(environment) = document.tree.child(service, "environment") {
        for variable in document.tree.elements(environment).collect::<Vec<_>>() {
            let key = document.tree.name(variable).to_owned();
            let value = document.tree.value(variable).to_owned();
            match value.split_once('=').filter(|_| key.chars().all(|c| c.is_ascii_digit())) {
                Some((name, value)) => {
                    document.named_value_clue(reading, variable, &format!("env/{name}"), value);
                }
                None => document.value_clue(reading, variable, &format!("env/{key}")),
            }
        }
    }
}

/// A server of databases without a volume keeps them in its container. Beside containers of Windows it is a part of the
/// application; of others it may be there for developers.
fn kept_in_container(document: &mut Document<'_>, reading: &mut Reading, service: NodeId, any_windows: bool) {
    let tree = &document.tree;
    let Some(image) = tree.child(service, "image") else { return };
    let Some(engine) = engine_of_image(tree.value(image)) else { return };
    if tree.child(service, "volumes").is_some_and(|volumes| tree.elements(volumes).next().is_some()) {
        return;
    }
    let certainty = if any_windows { Certainty::Likely } else { Certainty::Possible };
    let location = Location::named(Text::lit(format!("{}://{}", engine.name, tree.name(service))));
    let effect = Effect::new(Operation::Write, Store::Database, location, certainty, "services image")
        .in_phase(Phase::Run, "a service of the application")
        .because(Step::new(format!("{} keeps its databases in the container: it has no volume", tree.value(image))));
    document.effect(reading, image, effect);
}

/// What brings a named volume from elsewhere: another driver, or the file system that the local one mounts.
fn remote_driver(tree: &Tree, volume: &str) -> Option<String> {
    let described = tree.at(ROOT, &["volumes", volume])?;
    let driver = tree.get(described, "driver").unwrap_or("local");
    let mounted = tree.at(described, &["driver_opts", "type"]).map(|kind| tree.value(kind));
    let remote = mounted.filter(|kind| ["nfs", "cifs", "smb"].iter().any(|known| kind.starts_with(known)));
    match driver {
        "local" => remote.map(str::to_owned),
        driver => Some(driver.to_owned()),
    }
}

fn is_windows_service(tree: &Tree, service: NodeId) -> bool {
    tree.get(service, "platform").is_some_and(|platform| platform.starts_with("windows"))
        || tree.get(service, "image").is_some_and(is_windows_image)
        || tree.child(service, "isolation").is_some()
        || ["volumes", "working_dir"]
            .iter()
            .filter_map(|name| tree.child(service, name))
            .flat_map(|list| tree.descendants(list))
            .any(|node| has_drive(tree.value(node)))
}

/// `entrypoint` and `command` of a service, which take the place of those of its image.
fn service_command(document: &mut Document<'_>, reading: &mut Reading, service: NodeId) {
    let tree = &document.tree;
    let parts: Vec<NodeId> = ["entrypoint", "command"].iter().filter_map(|name| tree.child(service, name)).collect();
    let Some(&at) = parts.first() else { return };
    let line = parts.iter().map(|&part| command_line(tree, part)).collect::<Vec<_>>().join(" ");
    let here = tree.get(service, "working_dir").map_or_else(|| Text::folder(Folder::Cwd), Text::lit);
    run(document, reading, at, &Text::lit(line), &Launch::new("entrypoint", "the command of the service", here));
}

/// `SOURCE:TARGET[:MODE]`, where both may begin with a drive letter.
fn split_volume(text: &str) -> Option<(String, String)> {
    let colons: Vec<usize> =
        text.char_indices().filter(|(i, c)| *c == ':' && !is_drive(text, *i)).map(|(i, _)| i).collect();
    let first = *colons.first()?;
    let end = colons.get(1).copied().unwrap_or(text.len());
    Some((text[..first].to_owned(), text[first + 1..end].to_owned()))
}

/// The colon of `C:` at the start or after another colon.
fn is_drive(text: &str, colon: usize) -> bool {
    let before = text[..colon].rsplit(':').next().unwrap_or_default();
    before.len() == 1 && before.chars().all(|c| c.is_ascii_alphabetic()) && text[colon + 1..].starts_with(['\\', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_with_drive_letters() {
        let split = |s: &str| split_volume(s);
        assert_eq!(split("C:\\data:D:\\data"), Some(("C:\\data".into(), "D:\\data".into())));
        assert_eq!(split("store:C:\\store:ro"), Some(("store".into(), "C:\\store".into())));
        assert_eq!(split("./data:/data"), Some(("./data".into(), "/data".into())));
        assert_eq!(split("C:\\anonymous"), None);
    }
}
