namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>The head of a CBOR data item (RFC 8949 §3): its first byte and the number that it or the bytes behind it say.</summary>
internal readonly record struct CborHead(byte Initial, ulong Argument)
{
    public const byte False = 0xF4;
    public const byte True = 0xF5;
    public const byte Null = 0xF6;
    public const byte Undefined = 0xF7;

    public const int UnsignedInteger = 0;
    public const int NegativeInteger = 1;
    public const int ByteString = 2;
    public const int TextString = 3;
    public const int Array = 4;
    public const int Map = 5;
    public const int Tag = 6;

    public int Major => Initial >> 5;

    /// <summary>Whether items follow until a break (RFC 8949 §3.2.1).</summary>
    public bool IsIndefinite => (Initial & 0x1F) == 31;

    public bool IsNothing => Initial is Null or Undefined;
}
