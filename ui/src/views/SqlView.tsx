export default function WizardView() {
  return null;
}
