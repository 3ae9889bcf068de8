"""The territory tree and what is true of each country in it. Data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from entities.models import ROOT_TERRITORY
from entities.rules.directory import Place, place_territories


@dataclass(frozen=True)
class Country:
    """A country where the demo company sells.

    ``share`` = weight among all companies; ``cities`` = (city, state, post code pattern) with ``#`` for a digit and
    ``@`` for a letter; ``phone`` = (country code, area code, number pattern), ranges kept for fiction where a country
    has them; ``street`` = how a street and a house number are written.
    """

    name: str
    code: str
    region: str
    share: int
    culture: str
    streets: str
    street: str
    currency: str
    tax: str
    legal: tuple[str, ...]
    phone: tuple[str, str, str]
    cities: tuple[tuple[str, str, str], ...]


REGIONS = ("Europe", "Americas", "Asia Pacific", "Middle East & Africa")
_NUMBER_FIRST, _NUMBER_LAST = "{number} {street}", "{street} {number}"


def _cities(text: str) -> tuple[tuple[str, str, str], ...]:
    parts = (entry.split("|") for entry in text.split("; "))
    return tuple((city, state, code) for city, state, code in parts)


COUNTRIES = (
    Country(
        "United Kingdom", "GB", "Europe", 14, "english", "english", _NUMBER_FIRST, "GBP", "20",
        ("Ltd", "PLC", "LLP", "& Sons Ltd"), ("44", "1632", "960###"),
        _cities("London|Greater London|EC#A #@@; Manchester|Lancashire|M# #@@; Birmingham|West Midlands|B# #@@; "
                "Leeds|West Yorkshire|LS# #@@; Bristol|Avon|BS# #@@; Edinburgh|Midlothian|EH# #@@; "
                "Cardiff|South Glamorgan|CF## #@@; Newcastle upon Tyne|Tyne and Wear|NE# #@@"),
    ),
    Country(
        "Ireland", "IE", "Europe", 5, "irish", "english", _NUMBER_FIRST, "EUR", "23",
        ("Ltd", "DAC", "Teoranta"), ("353", "20", "91#####"),
        _cities("Dublin|County Dublin|D0# @#@#; Cork|County Cork|T12 @#@#; Galway|County Galway|H91 @#@#; "
                "Limerick|County Limerick|V94 @#@#"),
    ),
    Country(
        "Germany", "DE", "Europe", 9, "german", "german", _NUMBER_LAST, "EUR", "19",
        ("GmbH", "AG", "GmbH & Co. KG", "e.K."), ("49", "30", "23125###"),
        _cities("Berlin|Berlin|10###; Hamburg|Hamburg|20###; München|Bayern|80###; Köln|Nordrhein-Westfalen|50###; "
                "Frankfurt am Main|Hessen|60###; Stuttgart|Baden-Württemberg|70###; Leipzig|Sachsen|04###"),
    ),
    Country(
        "France", "FR", "Europe", 7, "french", "french", "{number}, {street}", "EUR", "20",
        ("SA", "SARL", "SAS", "et Fils"), ("33", "1", "9900####"),
        _cities("Paris|Île-de-France|75###; Lyon|Rhône|690##; Marseille|Provence|130##; Toulouse|Occitanie|31###; "
                "Nantes|Pays de la Loire|440##; Strasbourg|Grand Est|670##; Bordeaux|Aquitaine|330##"),
    ),
    Country(
        "Spain", "ES", "Europe", 4, "iberian", "iberian", "{street}, {number}", "EUR", "21",
        ("S.A.", "S.L.", "e Hijos"), ("34", "91", "550####"),
        _cities("Madrid|Madrid|280##; Barcelona|Cataluña|080##; Valencia|Valencia|460##; Sevilla|Andalucía|410##; "
                "Málaga|Andalucía|290##"),
    ),
    Country(
        "Italy", "IT", "Europe", 4, "italian", "italian", "{street}, {number}", "EUR", "22",
        ("S.p.A.", "S.r.l.", "& Figli"), ("39", "06", "5550####"),
        _cities("Roma|Lazio|001##; Milano|Lombardia|201##; Torino|Piemonte|101##; Napoli|Campania|801##; "
                "Bologna|Emilia-Romagna|401##"),
    ),
    Country(
        "Netherlands", "NL", "Europe", 3, "dutch", "dutch", _NUMBER_LAST, "EUR", "21",
        ("B.V.", "N.V."), ("31", "20", "555####"),
        _cities("Amsterdam|Noord-Holland|10## @@; Rotterdam|Zuid-Holland|30## @@; Utrecht|Utrecht|35## @@; "
                "Eindhoven|Noord-Brabant|56## @@"),
    ),
    Country(
        "Sweden", "SE", "Europe", 2, "nordic", "nordic", _NUMBER_LAST, "EUR", "25",
        ("AB", "& Söner AB"), ("46", "8", "465 00# ##"),
        _cities("Stockholm|Stockholms län|11# ##; Göteborg|Västra Götaland|41# ##; Malmö|Skåne|21# ##"),
    ),
    Country(
        "Switzerland", "CH", "Europe", 2, "german", "german", _NUMBER_LAST, "EUR", "8.1",
        ("AG", "GmbH", "SA"), ("41", "44", "555 ## ##"),
        _cities("Zürich|Zürich|80##; Genève|Genève|120#; Basel|Basel-Stadt|40##; Bern|Bern|30##"),
    ),
    Country(
        "Poland", "PL", "Europe", 2, "slavic", "slavic", _NUMBER_LAST, "EUR", "23",
        ("Sp. z o.o.", "S.A."), ("48", "22", "555 ## ##"),
        _cities("Warszawa|Mazowieckie|00-###; Kraków|Małopolskie|30-###; Wrocław|Dolnośląskie|50-###; "
                "Gdańsk|Pomorskie|80-###"),
    ),
    Country(
        "United States", "US", "Americas", 14, "english", "american", _NUMBER_FIRST, "USD", "0",
        ("Inc.", "LLC", "Corp.", "& Co."), ("1", "212", "555-01##"),
        _cities("New York|NY|100##; Chicago|IL|606##; San Francisco|CA|941##; Austin|TX|787##; Boston|MA|021##; "
                "Seattle|WA|981##; Denver|CO|802##; Atlanta|GA|303##; Miami|FL|331##"),
    ),
    Country(
        "Canada", "CA", "Americas", 3, "english", "american", _NUMBER_FIRST, "USD", "5",
        ("Inc.", "Ltd.", "Corp."), ("1", "416", "555-01##"),
        _cities("Toronto|ON|M5@ #@#; Vancouver|BC|V6@ #@#; Montréal|QC|H2@ #@#; Calgary|AB|T2@ #@#"),
    ),
    Country(
        "Mexico", "MX", "Americas", 2, "iberian", "iberian", "{street} {number}", "USD", "16",
        ("S.A. de C.V.",), ("52", "55", "5555 ####"),
        _cities("Ciudad de México|CDMX|06###; Guadalajara|Jalisco|44###; Monterrey|Nuevo León|64###"),
    ),
    Country(
        "Brazil", "BR", "Americas", 3, "iberian", "iberian", "{street}, {number}", "USD", "17",
        ("Ltda.", "S.A."), ("55", "11", "5555-####"),
        _cities("São Paulo|SP|01###-###; Rio de Janeiro|RJ|20###-###; Curitiba|PR|80###-###"),
    ),
    Country(
        "Australia", "AU", "Asia Pacific", 4, "english", "english", _NUMBER_FIRST, "USD", "10",
        ("Pty Ltd", "Ltd"), ("61", "2", "5550 ####"),
        _cities("Sydney|NSW|20##; Melbourne|VIC|30##; Brisbane|QLD|40##; Perth|WA|60##"),
    ),
    Country(
        "New Zealand", "NZ", "Asia Pacific", 1, "english", "english", _NUMBER_FIRST, "USD", "15",
        ("Ltd",), ("64", "9", "555 ####"),
        _cities("Auckland||10##; Wellington||60##; Christchurch||80##"),
    ),
    Country(
        "Japan", "JP", "Asia Pacific", 4, "japanese", "asian", "{number} {street}", "JPY", "10",
        ("K.K.", "G.K."), ("81", "3", "5550-####"),
        _cities("Tokyo|Tokyo|10#-####; Osaka|Osaka|53#-####; Yokohama|Kanagawa|22#-####; Kyoto|Kyoto|60#-####"),
    ),
    Country(
        "Singapore", "SG", "Asia Pacific", 2, "asian", "asian", _NUMBER_FIRST, "USD", "9",
        ("Pte Ltd",), ("65", "", "6555 ####"),
        _cities("Singapore||0#####; Singapore||2#####"),
    ),
    Country(
        "India", "IN", "Asia Pacific", 4, "indian", "asian", "{number}, {street}", "USD", "18",
        ("Pvt. Ltd.", "Ltd."), ("91", "22", "5550 ####"),
        _cities("Mumbai|Maharashtra|4000##; Bengaluru|Karnataka|5600##; Delhi|Delhi|1100##; Chennai|Tamil Nadu|6000##"),
    ),
    Country(
        "United Arab Emirates", "AE", "Middle East & Africa", 2, "arabic", "eastern", _NUMBER_FIRST, "USD", "5",
        ("LLC", "FZE"), ("971", "4", "555 ####"),
        _cities("Dubai|Dubai|; Abu Dhabi|Abu Dhabi|; Sharjah|Sharjah|"),
    ),
    Country(
        "Egypt", "EG", "Middle East & Africa", 1, "arabic", "eastern", _NUMBER_FIRST, "USD", "14",
        ("S.A.E.", "LLC"), ("20", "2", "5550 ####"),
        _cities("Cairo|Cairo|115##; Alexandria|Alexandria|215##"),
    ),
    Country(
        "Nigeria", "NG", "Middle East & Africa", 1, "african", "eastern", _NUMBER_FIRST, "USD", "7.5",
        ("Ltd", "PLC"), ("234", "1", "555 ####"),
        _cities("Lagos|Lagos|100###; Abuja|FCT|900###; Kano|Kano|700###"),
    ),
    Country(
        "South Africa", "ZA", "Middle East & Africa", 3, "african", "eastern", _NUMBER_FIRST, "USD", "15",
        ("(Pty) Ltd", "Ltd"), ("27", "11", "555 ####"),
        _cities("Johannesburg|Gauteng|20##; Cape Town|Western Cape|80##; Durban|KwaZulu-Natal|40##"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A territory and its place in the tree."""

    key: int
    caption: str
    parent: int | None
    place: Place


@cache
def territories() -> tuple[Node, ...]:
    """Return Worldwide, then each region followed by its countries; keys count in this order."""
    captions: list[tuple[str, str]] = [("Worldwide", "")]
    for region in REGIONS:
        captions.append((region, "Worldwide"))
        captions.extend((country.name, region) for country in COUNTRIES if country.region == region)
    keys = {caption: number or ROOT_TERRITORY for number, (caption, _) in enumerate(captions)}
    places = place_territories((keys[caption], keys.get(parent), caption) for caption, parent in captions)
    return tuple(Node(keys[caption], caption, keys.get(parent), places[keys[caption]]) for caption, parent in captions)


@cache
def territory(caption: str) -> int:
    """Return the key of the territory called ``caption``."""
    return next(node.key for node in territories() if node.caption == caption)
