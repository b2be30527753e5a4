"""The OpenAPI document: a pure function of the route table."""
