namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>The keys of a platform message.</summary>
[Flags]
internal enum PlatformKey
{
    Unknown = 0,
    Data = 1,
    Device = 2,
    Timestamp = 4,
    Quality = 8,
}
