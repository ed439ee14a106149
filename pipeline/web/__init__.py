"""The investigators' pages: who is signed in, what they may do, and the forms they do it with."""
