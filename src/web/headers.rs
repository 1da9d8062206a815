//! What every page says of itself to the browser.
