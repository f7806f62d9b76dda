//! `skiff image`: import, ls, rm, pull. Works beside a running server and without one.

use anyhow::{Context, Result, bail};
use skiff_runtime::{Credentials, ImageStore, RegistryOptions};
use std::fs::File;
use std::io::{Read, stdin};
use std::path::PathBuf;

/// Flags and subcommands of `skiff image`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Store {
    /// The data directory
    #[arg(long, short, default_value = "/var/lib/skiff", value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Take in archives made by `docker save`, or OCI layouts; `-` reads from standard input
    Import {
        #[command(flatten)]
        store: Store,
        /// The archives
        #[arg(required = true)]
        archives: Vec<PathBuf>,
    },
    /// List images
    Ls {
        #[command(flatten)]
        store: Store,
    },
    /// Remove images by name or id
    Rm {
        #[command(flatten)]
        store: Store,
        /// Names or ids
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Pull images from their registries
    Pull {
        #[command(flatten)]
        store: Store,
        /// Names
        #[arg(required = true)]
        images: Vec<String>,
    },
}

pub(super) fn run(args: Args) -> Result<()> {
    match args.action {
        Action::Import { store, archives } => import(&open(&store)?, &archives),
        Action::Ls { store } => list(&open(&store)?),
        Action::Rm { store, images } => remove(&open(&store)?, &images),
        Action::Pull { store, images } => pull(&open(&store)?, &images),
    }
}

fn open(store: &Store) -> Result<ImageStore> {
    let data_dir = std::path::absolute(&store.data_dir)?;
    ImageStore::open(&data_dir)
        .with_context(|| format!("cannot open the image store in {}", data_dir.display()))
}

fn import(store: &ImageStore, archives: &[PathBuf]) -> Result<()> {
    for path in archives {
        let reader: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(stdin().lock())
        } else {
            Box::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
        };
        let names = store.import(reader).with_context(|| format!("cannot import {}", path.display()))?;
        for name in names {
            println!("imported {name}");
        }
    }
    Ok(())
}

fn list(store: &ImageStore) -> Result<()> {
    let images = store.list()?;
    let rows: Vec<[String; 3]> = images
        .iter()
        .flat_map(|image| {
            let id: String = image.id.trim_start_matches("sha256:").chars().take(12).collect();
            let size = format!("{:.1} MB", image.size as f64 / 1e6);
            let names = if image.tags.is_empty() { vec!["<none>".to_owned()] } else { image.tags.clone() };
            names.into_iter().map(move |name| [name, id.clone(), size.clone()])
        })
        .collect();
    let width = rows.iter().map(|[name, ..]| name.len()).max().unwrap_or(0).max("IMAGE".len());
    println!("{:width$}   {:12}   SIZE", "IMAGE", "ID");
    for [name, id, size] in rows {
        println!("{name:width$}   {id:12}   {size}");
    }
    Ok(())
}

fn remove(store: &ImageStore, images: &[String]) -> Result<()> {
    for image in images {
        if !store.remove(image)? {
            bail!("no such image: {image}");
        }
        println!("removed {image}");
    }
    Ok(())
}

fn pull(store: &ImageStore, images: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = RegistryOptions::default();
    for image in images {
        let pulled = store.pull(image, Credentials::default(), &options);
        let id = runtime.block_on(pulled).with_context(|| format!("cannot pull {image}"))?;
        println!("pulled {image} {id}");
    }
    Ok(())
}
