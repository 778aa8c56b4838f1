namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What the table of standard nodes says of a node besides its fields.</summary>
[Flags]
internal enum StandardNodeFlags : byte
{
    None = 0,
    IsAbstract = 1,
    IsSymmetric = 2,
    IsNotifier = 4,

    /// <summary>It has a value; a data type, a definition.</summary>
    HasValue = 8,
    HasArrayDimensions = 16,
    HasMinimumSamplingInterval = 32,
}
