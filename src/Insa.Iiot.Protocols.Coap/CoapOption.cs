namespace Insa.Iiot.Protocols.Coap;

/// <summary>An option of a message, as it is on the wire (RFC 7252 §3.1).</summary>
/// <param name="Number">Its number, 1 to 65,535; see <see cref="CoapOptionNumber"/>.</param>
/// <param name="Value">Its value.</param>
public readonly record struct CoapOption(int Number, ReadOnlyMemory<byte> Value);
