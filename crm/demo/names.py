"""What people, companies and streets are called, by culture. Data only; ``world`` draws from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Culture:
    """Given names (women's, men's) and family names that go together."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


def _culture(women: str, men: str, families: str) -> Culture:
    return Culture(_names(women), _names(men), _names(families))


CULTURES = {
    "english": _culture(
        "Alice, Amelia, Charlotte, Chloe, Emily, Emma, Fiona, Grace, Hannah, Heather, Isla, Jessica, Laura, Lucy, "
        "Megan, Olive, Rachel, Rebecca, Sophie, Victoria",
        "Adam, Alan, Andrew, Benjamin, Callum, Charles, Daniel, David, Edward, George, Harry, Jack, James, Matthew, "
        "Oliver, Richard, Robert, Samuel, Simon, Thomas",
        "Adams, Baker, Barnes, Bennett, Brooks, Carter, Chapman, Clarke, Collins, Cooper, Davies, Edwards, Evans, "
        "Fletcher, Foster, Gibson, Graham, Green, Hall, Harper, Harris, Hill, Hughes, Hunt, Jackson, Jenkins, "
        "Johnson, Kelly, King, Lawson, Lewis, Marshall, Mason, Mitchell, Moore, Morgan, Palmer, Parker, Pearson, "
        "Phillips, Powell, Reid, Richardson, Roberts, Robinson, Russell, Shaw, Simpson, Smith, Spencer, Stewart, "
        "Taylor, Thompson, Turner, Walker, Ward, Watson, White, Wilson, Wright",
    ),
    "irish": _culture(
        "Aoife, Bríd, Caoimhe, Ciara, Deirdre, Eimear, Gráinne, Máire, Niamh, Orla, Róisín, Saoirse, Siobhán, Sinéad",
        "Aidan, Brendan, Cian, Ciarán, Conor, Declan, Diarmuid, Eoin, Fergal, Liam, Oisín, Pádraig, Rory, Séamus",
        "Brennan, Byrne, Doyle, Dunne, Fitzgerald, Gallagher, Kavanagh, Kennedy, Lynch, McCarthy, McGrath, Moran, "
        "Murphy, Nolan, O'Brien, O'Connor, O'Donnell, O'Neill, O'Reilly, O'Sullivan, Quinn, Ryan, Walsh, Whelan",
    ),
    "german": _culture(
        "Anja, Birgit, Claudia, Franziska, Greta, Heike, Ingrid, Johanna, Julia, Katharina, Lena, Monika, Sabine, "
        "Silke, Ursula",
        "Andreas, Bernd, Christoph, Dieter, Florian, Hans-Jürgen, Jan, Jürgen, Klaus, Lukas, Markus, Matthias, "
        "Stefan, Thorsten, Uwe",
        "Bauer, Becker, Braun, Fischer, Fuchs, Hartmann, Hoffmann, Jäger, Keller, Klein, Köhler, König, Krause, "
        "Krüger, Lehmann, Maier, Müller, Neumann, Richter, Schäfer, Schmidt, Schneider, Schröder, Schulz, Vogel, "
        "Wagner, Weber, Weiß, Wolf, Zimmermann",
    ),
    "french": _culture(
        "Amélie, Anaïs, Camille, Céline, Chloé, Élodie, Françoise, Hélène, Isabelle, Léa, Manon, Margaux, Océane, "
        "Sylvie, Zoé",
        "Alexandre, Antoine, Benoît, Cédric, Étienne, François, Guillaume, Jean-Luc, Jérôme, Julien, Loïc, Mathieu, "
        "Nicolas, Rémi, Thierry",
        "Bernard, Blanchard, Bonnet, Chevalier, Dubois, Dupont, Durand, Faure, Fontaine, Garnier, Girard, Lambert, "
        "Laurent, Lefèvre, Lemaître, Leroy, Marchand, Martin, Mercier, Moreau, Petit, Renard, Richard, Rousseau, "
        "Roux, Simon, Thomas, Vasseur, Vidal, d'Aubigné",
    ),
    "iberian": _culture(
        "Ana, Beatriz, Carmen, Catarina, Concepción, Elena, Inês, Isabel, Joana, Lucía, María José, Marta, Pilar, "
        "Rocío, Sofía",
        "Álvaro, André, Carlos, Diego, Fernando, Gonçalo, Javier, João, Jorge, José Luis, Miguel, Pablo, Rafael, "
        "Sergio, Tiago",
        "Almeida, Álvarez, Cardoso, Carvalho, Castro, Domínguez, Fernández, Ferreira, García, Gómez, Gonçalves, "
        "González, Gutiérrez, Hernández, Jiménez, López, Martínez, Mendes, Moreno, Muñoz, Navarro, Oliveira, Ortega, "
        "Pereira, Pérez, Ramírez, Rodríguez, Ruiz, Sánchez, Silva, Torres, Vázquez",
    ),
    "italian": _culture(
        "Alessandra, Bianca, Chiara, Elisa, Federica, Francesca, Giorgia, Giulia, Ilaria, Martina, Paola, Silvia",
        "Alessandro, Andrea, Davide, Enrico, Fabio, Giovanni, Luca, Marco, Matteo, Nicolò, Pietro, Stefano",
        "Barbieri, Bianchi, Bruno, Caruso, Colombo, Conti, Costa, D'Angelo, De Luca, Esposito, Ferrari, Fontana, "
        "Galli, Giordano, Greco, Lombardi, Mancini, Marino, Moretti, Ricci, Rizzo, Romano, Rossi, Santoro",
    ),
    "dutch": _culture(
        "Anouk, Femke, Ilse, Lotte, Marieke, Marloes, Saskia, Sanne, Sofie, Tess",
        "Bas, Daan, Henk, Jeroen, Joost, Maarten, Pieter, Ruben, Sander, Willem",
        "Bakker, Bos, De Boer, De Groot, De Jong, De Vries, Dekker, Hendriks, Jansen, Kuipers, Meijer, Mulder, "
        "Peters, Smit, Van Beek, Van den Berg, Van der Meer, Van Dijk, Van Leeuwen, Visser, Vos",
    ),
    "nordic": _culture(
        "Astrid, Åsa, Birgitta, Elin, Freja, Ingrid, Kajsa, Linnéa, Maja, Sigrid, Solveig, Tuuli",
        "Anders, Björn, Erik, Fredrik, Gustav, Håkan, Jens, Lars, Magnus, Mikael, Søren, Åke",
        "Andersson, Berg, Bergström, Dahl, Ekström, Eriksson, Hansen, Holm, Jensen, Johansson, Larsson, Lindqvist, "
        "Lund, Nilsson, Nordström, Nyström, Olsen, Pedersen, Persson, Sjöberg, Sørensen, Virtanen, Åberg, Öberg",
    ),
    "slavic": _culture(
        "Agnieszka, Anna, Bożena, Ewa, Hana, Ivana, Jadwiga, Katarzyna, Magdalena, Małgorzata, Olga, Zuzana",
        "Andrzej, Dušan, Grzegorz, Jan, Krzysztof, Łukasz, Marek, Michał, Paweł, Piotr, Tomáš, Wojciech",
        "Černý, Dąbrowski, Dvořák, Grabowski, Horváth, Jankowski, Kamiński, Kowalczyk, Kowalski, Kozłowski, "
        "Lewandowski, Mazur, Novák, Nowak, Pawłowski, Procházka, Svoboda, Szymański, Wiśniewski, Wójcik, Zieliński",
    ),
    "japanese": _culture(
        "Aiko, Emi, Hana, Haruka, Keiko, Mai, Misaki, Naomi, Sakura, Yuki, Yumi",
        "Akira, Daisuke, Haruto, Hiroshi, Kenji, Kenta, Makoto, Ren, Ryota, Takashi, Yūta",
        "Fujita, Gotō, Hayashi, Inoue, Itō, Kimura, Kobayashi, Matsumoto, Mori, Nakamura, Ogawa, Okada, Saitō, "
        "Sasaki, Satō, Shimizu, Suzuki, Takahashi, Tanaka, Watanabe, Yamada, Yamamoto, Yoshida",
    ),
    "asian": _culture(
        "Grace, Hui Ling, Jia Yi, Jiwoo, Li Na, Mei, Min-ji, Siew Ling, Thảo, Xiu Ying, Yan",
        "Boon Keng, Chun Wei, Hao, Jian, Jun, Kai, Min-jun, Tuấn, Wei, Wei Ming, Zhiyuan",
        "Chan, Chen, Cheng, Chua, Goh, Huang, Kim, Lam, Lee, Lim, Lin, Liu, Ng, Nguyễn, Park, Tan, Teo, Wang, Wong, "
        "Wu, Yeo, Zhang",
    ),
    "indian": _culture(
        "Aishwarya, Ananya, Deepa, Divya, Kavita, Lakshmi, Meera, Neha, Pooja, Priya, Shreya, Sunita",
        "Aditya, Amit, Arjun, Deepak, Harish, Karthik, Manoj, Naveen, Rahul, Rajesh, Sanjay, Vikram",
        "Agarwal, Banerjee, Bhatt, Chatterjee, Desai, Gupta, Iyer, Jain, Joshi, Kapoor, Khan, Kulkarni, Kumar, Mehta, "
        "Menon, Mishra, Nair, Patel, Rao, Reddy, Shah, Sharma, Singh, Verma",
    ),
    "arabic": _culture(
        "Aisha, Amal, Dina, Fatima, Hala, Hanan, Layla, Mariam, Nadia, Noor, Rania, Salma, Yasmin",
        "Ahmed, Ali, Faisal, Hamad, Hassan, Ibrahim, Khalid, Mahmoud, Mohammed, Omar, Rashid, Tariq, Youssef",
        "Abdallah, Al-Farsi, Al-Hashimi, Al-Mansoori, Al-Nuaimi, El-Masry, Farouk, Fahmy, Haddad, Hassan, Ibrahim, "
        "Khalil, Mansour, Nasser, Osman, Rahman, Saleh, Sayed, Yousef, Zayed",
    ),
    "african": _culture(
        "Abena, Adaeze, Amara, Ayanda, Chioma, Folake, Lerato, Naledi, Ngozi, Nomvula, Thandiwe, Zanele",
        "Babatunde, Chinedu, Emeka, Jabu, Kabelo, Kwame, Lungelo, Obinna, Sibusiso, Tendai, Themba, Tunde",
        "Abubakar, Adebayo, Adeyemi, Balogun, Botha, Dlamini, Eze, Khumalo, Mahlangu, Mbeki, Molefe, Ndlovu, Nkosi, "
        "Nwosu, Okafor, Okonkwo, Olatunji, Pillay, Sithole, Van der Merwe, Zulu, Zungu",
    ),
}

SECTORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "FinancialServices": ("K", ("Capital", "Credit", "Finance", "Insurance", "Leasing", "Payments", "Trust")),
    "Retail": ("G", ("Bakery", "Bikes", "Books", "Fashion", "Foods", "Furniture", "Garden Centres", "Trading")),
    "Manufacturing": ("C", ("Castings", "Components", "Fasteners", "Glass", "Paper", "Plastics", "Precision", "Tools")),
    "Technology": ("J", ("Analytics", "Cloud", "Data", "Digital", "Networks", "Robotics", "Software", "Systems")),
    "Construction": ("F", ("Builders", "Civil Works", "Concrete", "Construction", "Joinery", "Roofing", "Scaffolding")),
    "Transport": ("H", ("Couriers", "Ferries", "Forwarding", "Freight", "Haulage", "Logistics", "Rail", "Shipping")),
    "Energy": ("D", ("Biogas", "Energy", "Grid Services", "Hydro", "Power", "Renewables", "Solar", "Wind")),
    "Health": ("Q", ("Clinics", "Dental", "Diagnostics", "Health", "Hospitals", "Medical", "Optics", "Pharma")),
    "Education": ("P", ("Academy", "College", "Language School", "Learning", "Training", "Tutors")),
    "Government": ("O", ("Harbour Authority", "Housing Office", "Public Works", "Water Board")),
    "Hospitality": ("I", ("Brewery", "Catering", "Coffee", "Hotels", "Inns", "Restaurants", "Resorts", "Travel")),
    "Agriculture": ("A", ("Dairy", "Estates", "Farms", "Fisheries", "Forestry", "Nurseries", "Seeds", "Vineyards")),
    "Services": ("M", ("Advisers", "Architects", "Associates", "Consulting", "Design", "Engineering", "Surveyors")),
    "Other": ("S", ("Cleaning", "Events", "Group", "Holdings", "Laundries", "Security", "Workshops")),
}
BRAND_STARTS = _names(
    "Aero, Alto, Aqua, Arbor, Astra, Aurora, Bright, Calder, Cobalt, Corvo, Delta, Ever, Fair, Gran, Halo, Harbour, "
    "Helio, Iron, Juno, Kestrel, Lumen, Luna, Meridian, Nordic, North, Nova, Oak, Omni, Orbit, Pacific, Peak, Polar, "
    "Quantum, River, Sol, Stellar, Stone, Summit, Terra, Tri, Umber, Vantage, Vela, Verde, Vertex, West, Zenith"
)
BRAND_ENDS = _names(
    "bridge, crest, dale, field, flow, forge, gate, gen, haven, lane, line, link, lux, mark, mere, mont, nova, path, "
    "point, port, ridge, soft, stead, stream, tec, ton, vale, view, wave, way, wood, works"
)

STREETS = {
    "english": ("High Street", "Station Road", "Church Lane", "Victoria Road", "Mill Lane", "King Street", "Park Road",
                "Queens Road", "The Crescent", "Albert Street", "Bridge Street", "Market Place"),
    "american": ("Main Street", "Oak Avenue", "Maple Drive", "Washington Boulevard", "Lake Street", "2nd Avenue",
                 "Industrial Parkway", "Sunset Drive", "Commerce Way", "Elm Street"),
    "german": ("Hauptstraße", "Bahnhofstraße", "Gartenweg", "Goethestraße", "Am Markt", "Schillerplatz", "Lindenallee",
               "Industriestraße", "Mühlenweg"),
    "french": ("rue de la Paix", "avenue Victor-Hugo", "boulevard Voltaire", "place de la République", "rue des Écoles",
               "rue du Moulin", "allée des Tilleuls", "quai de la Gare"),
    "iberian": ("Calle Mayor", "Avenida de la Constitución", "Calle Real", "Plaza de España", "Paseo del Prado",
                "Calle del Sol", "Avenida Paulista", "Rua das Flores"),
    "italian": ("Via Roma", "Via Garibaldi", "Corso Italia", "Piazza del Popolo", "Viale Europa", "Via Dante"),
    "dutch": ("Dorpsstraat", "Kerkstraat", "Stationsweg", "Molenlaan", "Prinsengracht", "Havenkade"),
    "nordic": ("Storgatan", "Drottninggatan", "Kungsgatan", "Skolgatan", "Hamngatan", "Björkvägen"),
    "slavic": ("ul. Długa", "ul. Kościuszki", "ul. Polna", "ul. Lipowa", "al. Jerozolimskie", "ul. Ogrodowa"),
    "asian": ("Orchard Road", "Marina Boulevard", "Chūō-dōri", "Sakura-dōri", "M.G. Road", "Nehru Street", "Lake Road"),
    "eastern": ("Sheikh Zayed Road", "Corniche Road", "Tahrir Street", "Long Street", "Nelson Mandela Drive",
                "Broad Street", "Marina Road"),
}  # fmt: skip
