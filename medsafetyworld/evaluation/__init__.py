"""What a model says: decoding with policies, the judge, outcome tables and probes of knowledge."""
