namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>The kinds of messages (Part 6 §6.7.2, §7.1.2), as the three letters on the wire in a little-endian number.</summary>
internal enum MessageType
{
    Hello = 'H' | ('E' << 8) | ('L' << 16),
    Acknowledge = 'A' | ('C' << 8) | ('K' << 16),
    Error = 'E' | ('R' << 8) | ('R' << 16),
    Open = 'O' | ('P' << 8) | ('N' << 16),
    Message = 'M' | ('S' << 8) | ('G' << 16),
    Close = 'C' | ('L' << 8) | ('O' << 16),
}
