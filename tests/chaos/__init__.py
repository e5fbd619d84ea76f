"""`make chaos`: real servers, real Redises and real clients, while everything between them and under them fails."""
