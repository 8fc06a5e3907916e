"""The operator's desk: routes as rows, structs in and out, one way of answering and describing."""
