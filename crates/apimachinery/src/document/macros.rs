//! Literal syntax for documents.

/// A [`Document`](crate::Document) written as JSON: keys are string literals or parenthesised expressions, values are
/// literals, nested braces and brackets, or any expression that converts into a document.
///
/// ```
/// use skiff_apimachinery::doc;
/// let name = "web";
/// let pod = doc!({"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "a"}]}});
/// assert_eq!(pod.str_at(&["metadata", "name"]), "web");
/// ```
#[macro_export]
macro_rules! doc {
    (null) => { $crate::Document::NULL };
    ([ $($body:tt)* ]) => {{
        #[allow(unused_mut)]
        let mut list: ::std::vec::Vec<$crate::Document> = ::std::vec::Vec::new();
        $crate::doc!(@list list () $($body)*);
        $crate::Document::from(list)
    }};
    ({ $($body:tt)* }) => {{
        #[allow(unused_mut)]
        let mut map = $crate::Map::new();
        $crate::doc!(@map map $($body)*);
        $crate::Document::from(map)
    }};

    // lists: gather one element's tokens up to a comma
    (@list $list:ident ()) => {};
    (@list $list:ident ($($element:tt)+)) => { $list.extend([$crate::doc!($($element)+)]); };
    (@list $list:ident ($($element:tt)+) , $($rest:tt)*) => {
        $list.extend([$crate::doc!($($element)+)]);
        $crate::doc!(@list $list () $($rest)*);
    };
    (@list $list:ident ($($element:tt)*) $next:tt $($rest:tt)*) => {
        $crate::doc!(@list $list ($($element)* $next) $($rest)*);
    };

    // maps: a key, a colon, then one value's tokens up to a comma
    (@map $map:ident) => {};
    (@map $map:ident $key:tt : $($rest:tt)*) => { $crate::doc!(@value $map $key () $($rest)*); };
    (@value $map:ident $key:tt ($($value:tt)+)) => { $map.insert($key, $crate::doc!($($value)+)); };
    (@value $map:ident $key:tt ($($value:tt)+) , $($rest:tt)*) => {
        $map.insert($key, $crate::doc!($($value)+));
        $crate::doc!(@map $map $($rest)*);
    };
    (@value $map:ident $key:tt ($($value:tt)*) $next:tt $($rest:tt)*) => {
        $crate::doc!(@value $map $key ($($value)* $next) $($rest)*);
    };

    ($value:expr) => { $crate::Document::from($value) };
}
