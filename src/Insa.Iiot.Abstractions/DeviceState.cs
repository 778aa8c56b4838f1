namespace Insa.Iiot;

/// <summary>Whether a device may connect.</summary>
public enum DeviceState
{
    /// <summary>It may.</summary>
    Enabled,

    /// <summary>None of its credentials holds, and no gateway may publish for it. What is connected already stays so.</summary>
    Disabled,
}
