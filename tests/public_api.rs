//! The public API, listed: `tests/public_api.txt` holds every public item with its signature, so that a change to what
//! others build on is seen in review, and never happens by accident.
//!
//! The listing is made from the sources, as a program on any stable compiler can: a public item is one that can be named
//! from outside, through public modules or a `pub use`. After a change that is meant, run
//! `PAYDIRT_UPDATE=1 cargo test --test public_api` and commit the new listing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

#[test]
fn the_listing_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut krate = Crate::default();
    krate.read("paydirt", &root.join("src/lib.rs"), &root.join("src"), true);
    let actual = krate.listing();
    let path = root.join("tests/public_api.txt");
    if std::env::var_os("PAYDIRT_UPDATE").is_some() {
        fs::write(&path, actual).expect("the listing can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (before, after) = (lines(&expected), lines(&actual));
    let gone: Vec<_> = before
        .difference(&after)
        .map(|line| format!("- {line}"))
        .collect();
    let come: Vec<_> = after
        .difference(&before)
        .map(|line| format!("+ {line}"))
        .collect();
    assert!(
        gone.is_empty() && come.is_empty(),
        "the public API has changed; if that is meant: PAYDIRT_UPDATE=1 cargo test --test public_api\n{}\n{}",
        gone.join("\n"),
        come.join("\n")
    );
}

/// A module of the crate.
struct Module {
    items: Vec<Item>,
    /// Whether every module on the way to it is public.
    public: bool,
}

#[derive(Default)]
struct Crate {
    /// By path, as in `paydirt::puzzle::goal`.
    modules: BTreeMap<String, Module>,
}

impl Crate {
    /// Reads a module's file and those of its submodules, which are in `folder`.
    fn read(&mut self, path: &str, file: &Path, folder: &Path, public: bool) {
        let source = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&source).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add(path, parsed.items, folder, public);
    }

    fn add(&mut self, path: &str, items: Vec<Item>, folder: &Path, public: bool) {
        for item in &items {
            let Item::Mod(module) = item else { continue };
            if is_hidden(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let (inner, inside) = (format!("{path}::{name}"), folder.join(&name));
            let public = public && is_public(&module.vis);
            match &module.content {
                Some((_, items)) => self.add(&inner, items.clone(), &inside, public),
                None => {
                    let files = [folder.join(format!("{name}.rs")), inside.join("mod.rs")];
                    let file: &PathBuf = files
                        .iter()
                        .find(|file| file.exists())
                        .expect("a file of the module");
                    self.read(&inner, file, &inside, public);
                }
            }
        }
        self.modules.insert(path.to_owned(), Module { items, public });
    }

    /// Every public item, a line each, in order.
    fn listing(&self) -> String {
        // Which item, by the module that defines it, goes by which public paths.
        let mut names: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for (path, module) in &self.modules {
            for item in &module.items {
                if let Some((vis, name)) = named(item)
                    && module.public
                    && is_public(vis)
                {
                    let name = name.to_string();
                    let public = format!("{path}::{name}");
                    names.entry((path.clone(), name)).or_default().insert(public);
                }
            }
        }
        for (path, module) in self.modules.iter().filter(|(_, module)| module.public) {
            for item in &module.items {
                let Item::Use(import) = item else { continue };
                if !is_public(&import.vis) || is_hidden(&import.attrs) {
                    continue;
                }
                for (from, name) in leaves(&import.tree, String::new()) {
                    let found = match name.as_str() {
                        "*" => self.all_of(path, &from),
                        name => vec![(name.to_owned(), self.find(path, &from))],
                    };
                    for (name, place) in found {
                        let public = format!("{path}::{name}");
                        names.entry(place).or_default().insert(public);
                    }
                }
            }
        }
        let mut lines = BTreeSet::new();
        for ((home, name), paths) in &names {
            let module = &self.modules[home];
            let shortest = paths.iter().min_by_key(|path| path.len()).expect("at least one");
            for path in paths.iter().filter(|path| *path != shortest) {
                lines.insert(format!("{path} = {shortest}"));
            }
            let mut found = false;
            for item in &module.items {
                if named(item).is_some_and(|(_, ident)| ident == name) {
                    found = true;
                    lines.extend(describe(item, shortest));
                }
            }
            assert!(found, "{home}::{name} is re-exported but not defined there");
            // Implementations may stand in any module; types have one name throughout this crate.
            for item in self.modules.values().flat_map(|module| &module.items) {
                if let Item::Impl(block) = item
                    && !is_hidden(&block.attrs)
                    && type_name(&block.self_ty).as_ref() == Some(name)
                    && !block
                        .trait_
                        .as_ref()
                        .is_some_and(|(of, _)| self.is_private_trait(of))
                {
                    lines.extend(describe_impl(block, shortest));
                }
            }
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// Whether `path` is a trait of this crate that is not public: implementing it is nobody else's business.
    fn is_private_trait(&self, path: &syn::Path) -> bool {
        let name = path.segments.last().map(|segment| &segment.ident);
        let items = self.modules.values().flat_map(|module| &module.items);
        { items }.any(|item| match item {
            Item::Trait(item) => Some(&item.ident) == name && !is_public(&item.vis),
            _ => false,
        })
    }

    /// Every public item of the module `from`, seen in module `here`: what a glob names, by name and place.
    fn all_of(&self, here: &str, from: &str) -> Vec<(String, (String, String))> {
        let home = format!("{here}::{}", from.trim_start_matches("self::"));
        let module = self
            .modules
            .get(&home)
            .unwrap_or_else(|| panic!("no module {home} for {from}::*"));
        let own = module.items.iter().filter_map(named);
        let own = own.filter(|(vis, _)| is_public(vis)).map(|(_, name)| {
            let name = name.to_string();
            (name.clone(), (home.clone(), name))
        });
        let mut all: Vec<_> = own.collect();
        for item in &module.items {
            let Item::Use(import) = item else { continue };
            if is_public(&import.vis) && !is_hidden(&import.attrs) {
                for (from, name) in leaves(&import.tree, String::new()) {
                    match name.as_str() {
                        "*" => all.extend(self.all_of(&home, &from)),
                        _ => all.push((name, self.find(&home, &from))),
                    }
                }
            }
        }
        all
    }

    /// The module that defines what `from`, seen in module `here`, is a path to; and its name there.
    fn find(&self, here: &str, from: &str) -> (String, String) {
        let (module, name) = from.rsplit_once("::").unwrap_or(("", from));
        let module = module.trim_start_matches("self::").trim_start_matches("self");
        let home = match module {
            "" => here.to_owned(),
            module => format!("{here}::{module}"),
        };
        let found = self
            .modules
            .get(&home)
            .unwrap_or_else(|| panic!("no module {home} for {from} in {here}"));
        let defined = found
            .items
            .iter()
            .any(|item| named(item).is_some_and(|(_, ident)| ident == name));
        if defined {
            return (home, name.to_owned());
        }
        for item in &found.items {
            let Item::Use(import) = item else { continue };
            for (from, leaf) in leaves(&import.tree, String::new()) {
                if leaf == name {
                    return self.find(&home, &from);
                }
            }
        }
        panic!("{here}: nothing called {from}");
    }
}

/// The last word of a type's path.
fn type_name(of: &syn::Type) -> Option<String> {
    match of {
        syn::Type::Path(of) => of.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// Test code, documentation tests, and what the documentation hides.
fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.to_token_stream().to_string().replace(' ', "");
        ["#[cfg(test)]", "#[cfg(doctest)]", "#[doc(hidden)]"].contains(&text.as_str())
    })
}

fn named(item: &Item) -> Option<(&Visibility, &syn::Ident)> {
    let (attributes, vis, ident) = match item {
        Item::Const(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Enum(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Fn(item) => (&item.attrs, &item.vis, &item.sig.ident),
        Item::Mod(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Static(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Struct(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Trait(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Type(item) => (&item.attrs, &item.vis, &item.ident),
        _ => return None,
    };
    (!is_hidden(attributes)).then_some((vis, ident))
}

/// What a `use` names: path and the name it has from here on.
fn leaves(tree: &UseTree, prefix: String) -> Vec<(String, String)> {
    let join = |name: &str| match prefix.as_str() {
        "" => name.to_owned(),
        prefix => format!("{prefix}::{name}"),
    };
    match tree {
        UseTree::Path(path) => leaves(&path.tree, join(&path.ident.to_string())),
        UseTree::Name(name) => vec![(join(&name.ident.to_string()), name.ident.to_string())],
        UseTree::Rename(rename) => vec![(join(&rename.ident.to_string()), rename.rename.to_string())],
        UseTree::Group(group) => group
            .items
            .iter()
            .flat_map(|tree| leaves(tree, prefix.clone()))
            .collect(),
        UseTree::Glob(_) => vec![(prefix, "*".to_owned())],
    }
}

/// Derives and attributes that others can depend on.
fn marks(attributes: &[Attribute]) -> String {
    let mut marks = String::new();
    for attribute in attributes {
        if attribute.path().is_ident("non_exhaustive") {
            marks.push_str("#[non_exhaustive] ");
        } else if attribute.path().is_ident("derive") {
            marks.push_str(&tidy(&attribute.to_token_stream().to_string()));
            marks.push(' ');
        }
    }
    marks
}

fn describe(item: &Item, path: &str) -> Vec<String> {
    let fields = |fields: &Fields, path: &str| -> Vec<String> {
        let public = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| is_public(&field.vis));
        let line = |(index, field): (usize, &syn::Field)| {
            let name = field
                .ident
                .as_ref()
                .map_or(index.to_string(), ToString::to_string);
            format!("{path}.{name}: {}", tokens(&field.ty))
        };
        public.map(line).collect()
    };
    match item {
        Item::Const(item) => vec![format!("{path}: const {}", tokens(&item.ty))],
        Item::Static(item) => vec![format!("{path}: static {}", tokens(&item.ty))],
        Item::Type(item) => vec![format!("{path}: type {}", tokens(&item.ty))],
        Item::Fn(item) => vec![format!("{path}: {}", tokens(&item.sig))],
        Item::Mod(_) => vec![format!("{path}: mod")],
        Item::Struct(item) => {
            let mut lines = vec![format!(
                "{path}: {}struct{}",
                marks(&item.attrs),
                tokens(&item.generics)
            )];
            lines.extend(fields(&item.fields, path));
            lines
        }
        Item::Enum(item) => {
            let mut lines = vec![format!(
                "{path}: {}enum{}",
                marks(&item.attrs),
                tokens(&item.generics)
            )];
            for variant in &item.variants {
                let fields = match &variant.fields {
                    Fields::Unit => String::new(),
                    fields => format!(" {}", tidy(&without_attributes(fields))),
                };
                lines.push(format!("{path}::{}{fields}", variant.ident));
            }
            lines
        }
        Item::Trait(item) => {
            let mut lines = vec![format!("{path}: trait{}", tokens(&item.generics))];
            for item in &item.items {
                if let TraitItem::Fn(method) = item {
                    lines.push(format!("{path}::{}", tokens(&method.sig)));
                }
            }
            lines
        }
        _ => vec![],
    }
}

fn describe_impl(block: &syn::ItemImpl, path: &str) -> Vec<String> {
    if let Some((of, _)) = &block.trait_ {
        return vec![format!("{path}: impl {}", tokens(of))];
    }
    let mut lines = Vec::new();
    for item in &block.items {
        match item {
            ImplItem::Fn(method) if is_public(&method.vis) && !is_hidden(&method.attrs) => {
                lines.push(format!("{path}::{}: {}", method.sig.ident, tokens(&method.sig)));
            }
            ImplItem::Const(item) if is_public(&item.vis) => {
                lines.push(format!("{path}::{}: const {}", item.ident, tokens(&item.ty)));
            }
            _ => {}
        }
    }
    lines
}

fn without_attributes(fields: &Fields) -> String {
    let mut fields = fields.clone();
    for field in &mut fields {
        field.attrs.clear();
    }
    fields.to_token_stream().to_string()
}

fn tokens(item: &impl ToTokens) -> String {
    tidy(&item.to_token_stream().to_string())
}

/// Tokens with the spaces that people would leave out, left out.
fn tidy(tokens: &str) -> String {
    let mut text = tokens.to_owned();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("& ", "&"),
        (" :", ":"),
        ("[ ", "["),
        (" ]", "]"),
        ("# [", "#["),
        (" ;", ";"),
        ("' ", "'"),
    ] {
        text = text.replace(from, to);
    }
    text
}
