&[
    // The reference prints where in its memory a method lies.
    ("{{ config.items }}", "a method that is not called"),
    ("{{ record.items }}", "a method that is not called"),
    ("{{ record.get }}", "a method that is not called"),
    ("{{ record.keys }}", "a method that is not called"),
    // It names the views of a dict, which nobody can use; we print the list they show.
    ("{{ {'a': 1}.items() }}", "a view of a dict, printed"),
    ("{{ config['nested'].keys() }}", "a view of a dict, printed"),
    ("{{ config['nested'].values() }}", "a view of a dict, printed"),
    ("{{ config['nested'].items() }}", "a view of a dict, printed"),
    // Ornaments of Jinja that no connector has a use for: an error names them.
    ("{{ lipsum() }}", "not known here"),
    ("{{ cycler }}", "not known here"),
    ("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(1) }}", "not known here"),
]
