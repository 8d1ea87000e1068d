generated case BINARY_OP: break;
