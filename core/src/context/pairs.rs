//! Calls and their outputs (TORTURE 18, 22): what a service would refuse, and how to mend it.

