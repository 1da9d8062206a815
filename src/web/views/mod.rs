//! Pages as text: view models in, HTML out.
