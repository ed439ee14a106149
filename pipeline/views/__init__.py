"""What is shown of a site, on the console's pages and in a report: cards, asked for and drawn."""
