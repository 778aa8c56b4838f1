namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Takes a handshake's thread out of BouncyCastle when its time is over. An <see cref="IOException"/>, which ends it there.</summary>
internal sealed class HandshakeAbortedException() : IOException("The handshake was given up.");
