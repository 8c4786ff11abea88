import Crypto
import Foundation

/// The look of `/docs`. It stands in the page, which needs nothing else: no script, no other request.
enum ContractStyle {
    /// Allows this style and nothing else that a page could load, run or send.
    static let policy =
        "default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static let hash = Data(SHA256.hash(data: Data(css.utf8))).base64EncodedString()

    static let css = """
        :root { color-scheme: light dark; --ground: #fff; --text: #1c2128; --quiet: #5a6472; --line: #d9dee5;
          --soft: #f4f6f9; --link: #0b57c2; --get: #0b6b3a; --post: #0b57c2; --put: #8a4b00; --patch: #6b3fa0;
          --delete: #b3261e; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171c; --text: #e3e7ed; --quiet: #9aa5b4;
          --line: #333b47; --soft: #1d2229; --link: #7fb2ff; --get: #5fd396; --post: #7fb2ff; --put: #f0b35a;
          --patch: #c4a0f5; --delete: #ff8d85; } }
        * { box-sizing: border-box; }
        html { scroll-padding-top: 1rem; }
        body { margin: 0; background: var(--ground); color: var(--text);
          font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
        a { color: var(--link); text-decoration: none; }
        a:hover, a:focus { text-decoration: underline; }
        code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .875em; }
        code { background: var(--soft); border-radius: 3px; padding: .1em .3em; overflow-wrap: anywhere; }
        pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
          overflow-x: auto; line-height: 1.45; margin: .5rem 0; }
        pre code { background: none; padding: 0; overflow-wrap: normal; }
        nav { border-bottom: 1px solid var(--line); padding: 1rem; }
        nav strong { font-size: 1.1rem; }
        nav ul { list-style: none; margin: .25rem 0; padding: 0 0 0 .75rem; }
        nav li { font-size: .875rem; line-height: 1.7; }
        nav summary { cursor: pointer; padding: .2rem 0; }
        main { padding: 1rem; max-width: 62rem; min-width: 0; }
        h1 { font-size: 1.9rem; margin: 0; } h1 small { color: var(--quiet); font-size: 1rem; font-weight: 400; }
        h2 { border-bottom: 1px solid var(--line); padding-bottom: .3rem; margin: 3rem 0 1rem; }
        h3 { margin: 0; font-size: 1.15rem; }
        h4 { margin: 1.2rem 0 .3rem; font-size: .8rem; letter-spacing: .06em; text-transform: uppercase;
          color: var(--quiet); }
        article { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
        article:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
        .call { font: .95rem ui-monospace, "DejaVu Sans Mono", monospace; margin: .4rem 0; overflow-wrap: anywhere; }
        .method { font-weight: 700; text-transform: uppercase; margin-right: .5rem; }
        .get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
        .patch { color: var(--patch); } .delete { color: var(--delete); }
        .quiet { color: var(--quiet); font-size: .875rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0;
          border-top: 1px solid var(--line); }
        th { color: var(--quiet); font-weight: 500; border-top: 0; }
        td p, td ul { margin: 0; }
        td:first-child { white-space: nowrap; }
        .required { color: var(--delete); font-size: .75rem; margin-left: .3rem; }
        details > summary { cursor: pointer; }
        @media (min-width: 64rem) {
          body { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
          nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-bottom: 0;
            border-right: 1px solid var(--line); }
          main { padding: 2rem 3rem; }
        }
        @media (max-width: 40rem) {
          td, th { display: block; padding: .1rem 0; border: 0; } tr { display: block; padding: .5rem 0;
            border-top: 1px solid var(--line); } thead { display: none; } td:first-child { white-space: normal; }
        }
        @media print { nav { display: none; } article { break-inside: avoid; } }
        """
}
