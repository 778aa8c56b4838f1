namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Which part of its message a chunk is (Part 6 §6.7.2).</summary>
internal enum ChunkKind : byte
{
    Final = (byte)'F',
    Intermediate = (byte)'C',
    Abort = (byte)'A',
}
