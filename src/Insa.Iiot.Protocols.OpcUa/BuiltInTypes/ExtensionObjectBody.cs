namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>How the body of an extension object is encoded (Part 6 §5.2.2.15).</summary>
internal enum ExtensionObjectBody : byte
{
    None = 0,
    Binary = 1,
    Xml = 2,
}
