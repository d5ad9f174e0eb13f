//! The words the shop is made of. E-mail domains and telephone numbers are those reserved for examples.

pub(super) const FIRST_NAMES: [&str; 32] = [
    "Anna",
    "James",
    "Jürgen",
    "Olivia",
    "Lena",
    "Oliver",
    "Sören",
    "Emily",
    "Käthe",
    "Harry",
    "Björn",
    "Grace",
    "Friederike",
    "George",
    "Mehmet",
    "Chloe",
    "Aylin",
    "Arthur",
    "Günther",
    "Isla",
    "Paul",
    "Zoë",
    "Marlene",
    "Noah",
    "Łukasz",
    "Maya",
    "Renée",
    "Thomas",
    "Élodie",
    "Finn",
    "Sanjay",
    "Ida",
];

pub(super) const LAST_NAMES: [&str; 32] = [
    "Müller",
    "Smith",
    "Schmidt",
    "Jones",
    "Weiß",
    "Taylor",
    "Schröder",
    "Brown",
    "Größmann",
    "Williams",
    "Yılmaz",
    "Wilson",
    "Köhler",
    "Johnson",
    "von der Heide",
    "Davies",
    "Becker",
    "Patel",
    "Jäger",
    "Wright",
    "Hoffmann",
    "O'Brien",
    "Krüger",
    "Thompson",
    "Nowak",
    "Evans",
    "Böhm",
    "Walker",
    "Meyer-Landrut",
    "Roberts",
    "Lindqvist",
    "Green",
];

/// City, country, postal code without its last two digits, telephone prefix; the prefixes take three more digits.
pub(super) const CITIES: [(&str, &str, &str, &str); 10] = [
    ("Berlin", "DE", "101", "+49 30 23125 "),
    ("Köln", "DE", "506", "+49 221 4710 "),
    ("Hamburg", "DE", "200", "+49 40 66969 "),
    ("München", "DE", "803", "+49 89 99998 "),
    ("Frankfurt am Main", "DE", "603", "+49 69 90009 "),
    ("Wien", "AT", "10", "+43 1 5550 "),
    ("Zürich", "CH", "80", "+41 44 555 0"),
    ("London", "GB", "SW1A ", "+44 20 7946 0"),
    ("Manchester", "GB", "M1 ", "+44 161 496 0"),
    ("Boston", "US", "021", "+1 617 555 0"),
];

pub(super) const STREETS: [&str; 12] = [
    "Hauptstraße",
    "High Street",
    "Gartenweg",
    "Station Road",
    "Bahnhofstraße",
    "Church Lane",
    "Lindenallee",
    "Mill Road",
    "Am Markt",
    "Victoria Street",
    "Schillerstraße",
    "Park Avenue",
];

pub(super) const CATEGORIES: [(&str, [&str; 10]); 8] = [
    (
        "bakery",
        [
            "Roggenbrot",
            "Sourdough",
            "Brezel",
            "Scone",
            "Nussecke",
            "Bagel",
            "Laugenstange",
            "Muffin",
            "Stollen",
            "Crumpet",
        ],
    ),
    (
        "drinks",
        [
            "Apfelsaft",
            "Ginger Beer",
            "Holunderschorle",
            "Lemonade",
            "Rhabarbersaft",
            "Cold Brew",
            "Kräutertee",
            "English Breakfast",
            "Mineralwasser",
            "Oat Drink",
        ],
    ),
    (
        "produce",
        [
            "Äpfel",
            "Carrots",
            "Kohlrabi",
            "Spinach",
            "Grünkohl",
            "Pears",
            "Rote Bete",
            "Leeks",
            "Pflaumen",
            "Potatoes",
        ],
    ),
    (
        "dairy",
        [
            "Bergkäse",
            "Cheddar",
            "Quark",
            "Clotted Cream",
            "Schmand",
            "Yoghurt",
            "Buttermilch",
            "Stilton",
            "Ziegenkäse",
            "Butter",
        ],
    ),
    (
        "household",
        [
            "Geschirrtuch",
            "Candle",
            "Wäscheklammern",
            "Sponge",
            "Handfeger",
            "Matches",
            "Gießkanne",
            "Soap",
            "Kernseife",
            "Twine",
        ],
    ),
    (
        "sweets",
        [
            "Lakritz",
            "Fudge",
            "Gummibärchen",
            "Shortbread",
            "Marzipan",
            "Toffee",
            "Lebkuchen",
            "Mints",
            "Nougat",
            "Jelly Beans",
        ],
    ),
    (
        "clothing",
        [
            "Wollsocken",
            "Scarf",
            "Schürze",
            "Gloves",
            "Regenjacke",
            "Beanie",
            "Hausschuhe",
            "Apron",
            "Pullover",
            "Tote Bag",
        ],
    ),
    (
        "hardware",
        [
            "Schrauben",
            "Nails",
            "Dübel",
            "Hinges",
            "Unterlegscheiben",
            "Hooks",
            "Muttern",
            "Brackets",
            "Kabelbinder",
            "Tape",
        ],
    ),
];

pub(super) const VARIANTS: [&str; 6] =
    ["Classic", "Bio", "Family Pack", "Große Packung", "Winter Edition", "Regional"];

/// Sizes as people type them: numbers and words in one column.
pub(super) const SIZES: [&str; 12] =
    ["250", "500", "0.75", "1", "XL", "M", "42", "1.5 l", "12 Stück", "one size", "750", "3/8\""];

pub(super) const TAGS: [&str; 8] =
    ["new", "vegan", "gift", "regional", "glutenfrei", "bestseller", "clearance", "fair trade"];

pub(super) const ORIGINS: [&str; 6] = ["DE", "GB", "FR", "IT", "NL", "PL"];

pub(super) const CHANNELS: [&str; 4] = ["web", "shop", "app", "phone"];

pub(super) const EVENTS: [(&str, &str); 6] = [
    ("page_view", "/"),
    ("page_view", "/products/"),
    ("search", "/search?q="),
    ("add_to_cart", "/cart"),
    ("checkout", "/checkout"),
    ("support_chat", "/hilfe"),
];
