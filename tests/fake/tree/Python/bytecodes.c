case BINARY_OP: break;
