"""Methods and reference answers to compare with. They import the package; the package never imports them."""
