"""What tempts a model: named attacks, each of which turns a query into what the model is given."""
